#include "models/pipelines/upscale/upscale_plan.h"

#include "compute/device.h"
#include "compute/error.h"
#include "compute/graph.h"
#include "models/pipelines/upscale/upscale_graphs.h"
#include "models/pipelines/upscale/upscale_means.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sfumato {

namespace {

// Lanczos reads three pixels further, of the picture or of the larger of the two.
tile_needs needs_of(upscaler_shape const& s, double scale) {
    int const lanczos = scale == s.scale ? 0 : int(std::ceil(3 / std::min(1.0, scale))) + 1;
    return {.multiple = s.multiple, .reach = s.reach + lanczos};
}

std::uint64_t bytes_of(device& d, upscale_model& m, beside_network const& more, bool with_means,
                       upscale_tiles const& cut, double scale, dtype storage) {
    weight_store weights = m.sketch();
    std::uint64_t arenas = plan::peak_bytes(record_network(d.target(), weights, m, cut, scale, storage, with_means).g);
    if (with_means)
        for (tile_graph const& look : record_means(d.target(), weights, m, cut, storage))
            arenas = std::max(arenas, plan::peak_bytes(look.g));
    if (more.lanczos) arenas += plan::peak_bytes(record_enlarge(d.target(), cut, scale).g);
    if (more.continued_colours) arenas += plan::peak_bytes(record_continue_colours(d.target(), m.shape(), cut).g);
    return weights.bytes(d, residence::device) + std::max(weights.loading_bytes(d), arenas);
}

std::uint64_t bytes_of_pixels(int width, int height) {
    return std::uint64_t(16) * std::uint64_t(width) * std::uint64_t(height);
}

// The part and the next one, which arrives meanwhile, its result and the last one, which leaves, and a tile on its way
// there and back.
std::uint64_t bytes_of_pixels(upscale_part const& p, bool is_one_of_several, upscale_tiles const& cut, int network) {
    return 2 * bytes_of_pixels(p.from.width, p.from.height) +
           (is_one_of_several ? 2 : 1) * bytes_of_pixels(p.to.width, p.to.height) +
           2 * bytes_of_pixels(cut.width, cut.height) + bytes_of_pixels(cut.width * network, cut.height * network);
}

// Of tiles, in the order in which they are tried. Larger ones would gain little: a twentieth is computed twice then.
std::vector<int> lengths(int longest) {
    std::vector<int> all{longest};
    for (int length : {768, 512, 384, 256, 192, 128, 96, 64, 48, 32})
        if (length < longest) all.push_back(length);
    return all;
}

// The part of a first pass that a second one, which makes `to` of it at `scale`, needs.
upscale_part first_part(upscale_part const& p, upscaler_shape const& s, double scale) {
    rect const all{p.from.x * s.scale, p.from.y * s.scale, p.from.width * s.scale, p.from.height * s.scale};
    return {p.from, intersect(pixels_under(p.to, scale, overlap_for(s, scale)), all)};
}

} // namespace

std::vector<upscale_step> steps_of(upscale_part part, upscaler_shape const& shape, double scale) {
    std::vector<upscale_step> steps;
    while (shape.scale > 1 && scale > shape.scale) {
        scale /= shape.scale;
        steps.push_back({first_part(part, shape, scale), double(shape.scale)});
        part.from = steps.back().part.to;
    }
    steps.push_back({part, scale});
    return steps;
}

sentence upscale_plan::text() const {
    auto const with = [&](auto say_it) {
        return say_it(gigabytes(needed + (is_software ? pixels : 0)), gigabytes(available));
    };
    if (cut.tiles.size() == 1)
        return with([&](std::string const& need, std::string const& have) {
            return is_repeated
                       ? say("once more in fp32, 16 bits do not hold what the network computes: needs {}, {} free: "
                             "one tile of {} × {} pixels",
                             need, have, cut.width, cut.height)
                       : say("needs {}, {} free: one tile of {} × {} pixels", need, have, cut.width, cut.height);
        });
    return with([&](std::string const& need, std::string const& have) {
        return is_repeated
                   ? say("once more in fp32, 16 bits do not hold what the network computes: needs {}, {} free: {} "
                         "tiles of {} × {} pixels",
                         need, have, cut.tiles.size(), cut.width, cut.height)
                   : say("needs {}, {} free: {} tiles of {} × {} pixels", need, have, cut.tiles.size(), cut.width,
                         cut.height);
    });
}

upscale_plan plan_upscale(device& d, upscale_model& m, beside_network const& more, upscale_part const& part,
                          double scale, dtype storage, int longest, bool is_one_of_several) {
    bool const software = d.target().software;
    upscaler_shape const shape = m.shape();
    upscale_plan plan{.storage = storage, .available = m.available(d), .is_software = software};
    tile_needs const needs = needs_of(shape, scale);
    plan.more = more;
    std::uint64_t least = ~std::uint64_t(0);
    // A long reach wants long tiles, or most of them is computed twice; means want one tile, or they are looked for.
    int const liked = !software || shape.has_means ? 1024 : needs.reach > 32 ? 768 : 512;
    for (int length : lengths(longest ? longest : liked)) {
        plan.cut = cut_into_tiles(part, scale, needs, length);
        plan.needed =
            bytes_of(d, m, plan.more, needs_means(shape, plan.cut, is_one_of_several), plan.cut, scale, storage);
        plan.pixels = bytes_of_pixels(part, is_one_of_several, plan.cut, shape.scale);
        std::uint64_t const all = plan.needed + (software ? plan.pixels : 0);
        if (all <= plan.available) return plan;
        least = std::min(least, all);
    }
    fail(
        "{} needs {} of GPU memory at least, and {} can be had on {}: close other programs that use the GPU, or take a "
        "smaller model.",
        m.chosen().source, gigabytes(least), gigabytes(plan.available), d.info().name);
}

} // namespace sfumato
