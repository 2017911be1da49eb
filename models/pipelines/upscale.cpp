#include "models/pipelines/upscale.h"

#include "compute/device.h"
#include "compute/error.h"
#include "compute/graph.h"
#include "models/pipelines/memory_plan.h"
#include "models/pipelines/stages.h"
#include "models/pipelines/upscale_graphs.h"
#include "models/pipelines/upscale_means.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <format>
#include <vector>

namespace sfumato {

namespace {

// A network that enlarges enlarges again and again until the scale is reached; the last time, Lanczos makes less of it.
double scale_of_pass(double scale, int network) { return network > 1 && scale > network ? network : scale; }

// Lanczos reads three pixels further, of the picture or of the larger of the two.
tile_needs needs_of(upscaler_shape const& s, double scale) {
    int const lanczos = scale == s.scale ? 0 : int(std::ceil(3 / std::min(1.0, scale))) + 1;
    return {.multiple = s.multiple, .reach = s.reach + lanczos};
}

constexpr std::uint64_t too_much = ~std::uint64_t(0);

// Of a graph's arena; kernels count elements with 32 bits.
std::uint64_t bytes_of(graph const& g) {
    for (auto const& t : g.tensors())
        if (t.bytes >= std::size_t(1) << 33) return too_much;
    return plan::peak_bytes(g);
}

std::uint64_t bytes_of(device& d, upscale_model& m, beside_network const& more, bool with_means,
                       upscale_tiles const& cut, double scale, dtype storage) {
    weight_store weights = m.sketch();
    std::uint64_t arenas = bytes_of(record_network(d.target(), weights, m, cut, scale, storage, with_means).g);
    if (arenas == too_much) return too_much;
    if (with_means)
        for (tile_graph const& look : record_means(d.target(), weights, m, cut, storage))
            arenas = std::max(arenas, bytes_of(look.g));
    if (more.lanczos) arenas += bytes_of(record_enlarge(d.target(), cut, scale).g);
    if (more.continued_colours) arenas += bytes_of(record_continue_colours(d.target(), m.shape(), cut).g);
    return weights.bytes(d, residence::device) + std::max(weights.loading_bytes(d), arenas);
}

std::uint64_t bytes_of_pixels(int width, int height) {
    return std::uint64_t(16) * std::uint64_t(width) * std::uint64_t(height);
}

// The part and as much again while it arrives, its result, and a tile on its way there and back.
std::uint64_t bytes_of_pixels(picture const& given, rect const& to, upscale_tiles const& cut, int network) {
    return 2 * bytes_of_pixels(given.width, given.height) + bytes_of_pixels(to.width, to.height) +
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

// Those of the k-th time that the network goes over the picture.
network_means means_of_pass(picture_means const& all, std::size_t k) {
    return k < all.size() ? all[k] : network_means{};
}

// What `pass` makes; where its numbers do not fit `storage`, and the request does not ask for that, it is fp32 from
// then on.
std::optional<picture> in_enough_range(device& d, upscale_model& m, dtype& storage, bool is_asked,
                                       std::function<std::optional<picture>()> const& pass) {
    while (true) try {
            return pass();
        } catch (overflow const&) {
            if (storage == dtype::f32)
                fail("{} computes values of this picture that are no numbers on {}: take another model.",
                     m.chosen().source, d.info().name);
            if (is_asked)
                fail("{} computes values of this picture that 16 bits do not hold on {}: take fp32.", m.chosen().source,
                     d.info().name);
            storage = dtype::f32;
            m.needs_f32 = true; // of other parts, too
        }
}

} // namespace

std::string upscale_plan::text() const {
    std::size_t const tiles = cut.tiles.size();
    return std::format("{}needs {}, {} free: {} of {} × {} pixels",
                       is_repeated ? "once more in fp32, 16 bits do not hold what the network computes: " : "",
                       gigabytes(needed + (is_software ? pixels : 0)), gigabytes(available),
                       tiles == 1 ? "one tile" : std::format("{} tiles", tiles), cut.width, cut.height);
}

upscale_plan plan_upscale(device& d, upscale_model& m, picture const& given, upscale_part const& part, double scale,
                          dtype storage, int longest, bool shares_means) {
    bool const software = d.target().software;
    upscaler_shape const shape = m.shape();
    upscale_plan plan{
        .storage = storage, .available = d.memory_available() + m.weights().loaded_bytes(d), .is_software = software};
    tile_needs const needs = needs_of(shape, scale);
    plan.more = needs_of(given, shape, storage);
    std::uint64_t least = too_much;
    // A long reach wants long tiles, or most of them is computed twice; means want one tile, or they are looked for.
    int const liked = !software || shape.has_means ? 1024 : needs.reach > 32 ? 768 : 512;
    for (int length : lengths(longest ? longest : liked)) {
        plan.cut = cut_into_tiles(part, scale, needs, length);
        plan.needed = bytes_of(d, m, plan.more, needs_means(shape, plan.cut, shares_means), plan.cut, scale, storage);
        plan.pixels = bytes_of_pixels(given, part.to, plan.cut, shape.scale);
        std::uint64_t const all = plan.needed == too_much ? too_much : plan.needed + (software ? plan.pixels : 0);
        if (all <= plan.available) return plan;
        least = std::min(least, all);
    }
    fail(
        "{} needs {} of GPU memory at least, and {} can be had on {}: close other programs that use the GPU, or take a "
        "smaller model.",
        m.chosen().source, gigabytes(least), gigabytes(plan.available), d.info().name);
}

upscale_model& open_model(open_upscalers& models, upscale_settings const& s) {
    assert(!s.model.empty() && "resolve() comes first");
    return models.open({s.model, s.dtype});
}

std::optional<run_result> upscale(device& d, upscale_model& m, run_input const& in, job const& j,
                                  std::function<void(upscale_plan const&)> const& planned, std::optional<dtype> liked) {
    upscale_settings const& s = in.request.upscale;
    dtype storage = s.dtype.value_or(m.needs_f32 ? dtype::f32 : liked.value_or(d.target().storage()));
    upscaler_shape const shape = m.shape();
    picture given;
    picture const* from = &in.picture;
    upscale_part part = in.part;
    double left = s.scale, done = 0, reached = 0;
    job const watched{.report = [&](progress const& p) { reached = p.fraction, j.report(p); },
                      .cancelled = j.cancelled};
    run_result result;
    for (std::size_t k = 0;; ++k) {
        double const scale = scale_of_pass(left, shape.scale);
        bool const last = scale == left;
        upscale_part const now = last ? part : first_part(part, shape, left / scale);
        // Each pass has as many times more pixels than the one before.
        double const upto = last ? 1 : done + (1 - done) / (1 + double(shape.scale) * shape.scale);
        network_means means = means_of_pass(in.means.value_or(picture_means{}), k);
        bool again = false;
        auto made = in_enough_range(d, m, storage, s.dtype.has_value(), [&] {
            upscale_plan chosen = plan_upscale(d, m, *from, now, scale, storage, s.tile, in.means.has_value());
            chosen.is_repeated = std::exchange(again, true);
            planned(chosen);
            return upscale_pass(d, m, {*from, now, scale, chosen.cut, storage, chosen.more},
                                in.means ? &means : nullptr, part_of(watched, std::max(done, reached), upto));
        });
        if (!made) return std::nullopt;
        if (in.means && shape.has_means) result.means.push_back(std::move(means));
        given = std::move(*made);
        if (last) break;
        from = &given;
        part.from = now.to;
        left /= scale;
        done = upto;
    }
    result.filled = std::move(given);
    return result;
}

} // namespace sfumato
