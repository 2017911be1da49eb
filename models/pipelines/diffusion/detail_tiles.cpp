#include "models/pipelines/diffusion/detail_tiles.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

namespace {

constexpr double nearly_all = 0.9; // of the context's side: what is seen so large lacks nothing

struct extent {
    int first, length;
};

// At least as long as `least`, within 0 … limit.
extent stretched(extent e, int least, int limit) {
    int const length = std::max(e.length, least);
    return {std::clamp(e.first - (length - e.length) / 2, 0, limit - length), length};
}

bool has_any(mask const& m, rect const& place) {
    for (int y = place.y; y < place.bottom(); ++y) {
        auto const row = m.values.begin() + std::ptrdiff_t(y) * m.width;
        if (std::any_of(row + place.x, row + place.right(), [](float v) { return v > 0; })) return true;
    }
    return false;
}

} // namespace

detail_tiles tiles_of(inpaint_masks const& masks, inpaint_window const& w, int native, int cell) {
    pixel_size const all = w.context;
    if (w.seen.width >= nearly_all * all.width && w.seen.height >= nearly_all * all.height) return {};
    int const width = std::min(native, all.width), height = std::min(native, all.height);
    detail_tiles t{.places = {},
                   .window = {{width, height}, {whole_cells(width, cell), whole_cells(height, cell)}},
                   .overlap = native / 4};
    rect const area = intersect(grown(bounds(masks.denoise), masks.ring), {0, 0, all.width, all.height});
    extent const x = stretched({area.x, area.width}, width, all.width),
                 y = stretched({area.y, area.height}, height, all.height);
    for (int const top : tile_starts(y.length, {.tile = height, .overlap = t.overlap}))
        for (int const left : tile_starts(x.length, {.tile = width, .overlap = t.overlap})) {
            rect const place{x.first + left, y.first + top, width, height};
            if (has_any(masks.denoise, place)) t.places.push_back(place);
        }
    return t;
}

void blend(picture& whole, picture const& above, picture const& made, rect const& place, detail_tiles const& t) {
    bool const has_left = std::ranges::any_of(t.places, [&](rect const& p) { return p.y == place.y && p.x < place.x; }),
               has_above = place.y > t.places.front().y;
    auto const ramp = [&](int i) { return std::min(1.0f, (float(i) + 0.5f) / float(t.overlap)); };
    for (int y = 0; y < place.height; ++y) {
        float const down = has_above ? ramp(y) : 1;
        for (int x = 0; x < place.width; ++x) {
            float const across = has_left ? ramp(x) : 1;
            std::size_t const at = 4 * (std::size_t(place.y + y) * whole.width + place.x + x),
                              from = 4 * (std::size_t(y) * made.width + x);
            for (int c = 0; c < 4; ++c) {
                float const of_row = std::lerp(above.pixels[at + c], made.pixels[from + c], down);
                whole.pixels[at + c] = std::lerp(whole.pixels[at + c], of_row, across);
            }
        }
    }
}

} // namespace sfumato
