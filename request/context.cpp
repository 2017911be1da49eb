#include "request/context.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

namespace {

// An extent inside the canvas, along one axis.
struct span {
    int start, length, limit; // of `limit` pixels

    // By `pad` on each side, to at least `minimum`, shifted to stay inside.
    void grow(int pad, int minimum) {
        int const wanted = std::min(limit, std::max(length + 2 * pad, minimum));
        start = std::clamp(start - (wanted - length) / 2, 0, limit - wanted);
        length = wanted;
    }
};

rect box_of(span const& x, span const& y) { return {x.start, y.start, x.length, y.length}; }
int longer(rect const& r) { return std::max(r.width, r.height); }

// Enough surroundings: at least half the hole's size and a sixteenth of the picture on each side, and never less than
// 512 pixels a side.
constexpr int least_side = 512;
int pad_of(rect const& hole, rect const& canvas) {
    return std::max(longer(canvas) / 16, (hole.width + hole.height) / 4);
}

rect box_of_patches(rect const& hole, rect const& canvas) {
    span x{hole.x, hole.width, canvas.width}, y{hole.y, hole.height, canvas.height};
    int const pad = pad_of(hole, canvas);
    x.grow(pad, least_side);
    y.grow(pad, least_side);
    return box_of(x, y);
}

// What a diffusion model sees is about square, since it was trained so. Where it makes everything anew it needs the
// scene; where it only changes what is there, the nearest surroundings do. Whole cells, so that nothing is padded.
rect box_of_diffusion(request const& r, rect const& hole, rect const& canvas) {
    constexpr int cells = 64, least_side_refined = 256;
    bool const anew = r.inpaint.strength >= 1;
    int const pad = anew ? pad_of(hole, canvas) : int(0.06 * std::hypot(hole.width, hole.height)),
              least = anew ? least_side : least_side_refined;
    span x{hole.x, hole.width, canvas.width}, y{hole.y, hole.height, canvas.height};
    x.grow(pad, least);
    y.grow(pad, least);
    auto const up = [](int length) { return (length + cells - 1) / cells * cells; };
    x.grow(0, up(std::max(x.length, anew ? y.length : 0)));
    y.grow(0, up(std::max(y.length, anew ? x.length : 0)));
    return box_of(x, y);
}

} // namespace

int edge_of(request const& r, rect const& selection) {
    if (r.inpaint.edge) return *r.inpaint.edge;
    double const diagonal = std::hypot(selection.width, selection.height), strength = r.inpaint.strength;
    int const feather = std::max(int(0.1 * strength * diagonal), int(std::lround(32 * strength)));
    return std::min(4 + feather, inpaint_settings::largest_edge);
}

int reach_of_object(rect const& selection) {
    constexpr int least = 128;
    return std::max(longer(selection), least);
}

rect context_box(request const& r, rect const& selection, int width, int height) {
    rect const canvas{0, 0, width, height}, box = intersect(selection, canvas);
    if (r.context == context::image) return canvas;
    if (box.empty()) return box;
    int const beyond = (r.object ? reach_of_object(box) : 0) + (by_diffusion(r) ? edge_of(r, box) : 0);
    rect const hole = intersect(grown(box, beyond), canvas);
    if (r.context == context::selection) return hole;
    return by_diffusion(r) ? box_of_diffusion(r, hole, canvas) : box_of_patches(hole, canvas);
}

} // namespace sfumato
