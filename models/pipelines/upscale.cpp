#include "models/pipelines/upscale.h"

#include "compute/device.h"
#include "compute/error.h"
#include "compute/graph.h"
#include "models/pipelines/memory_plan.h"
#include "models/pipelines/stages.h"
#include "models/pipelines/upscale_graphs.h"
#include "models/pipelines/upscale_pass.h"

#include <algorithm>
#include <cmath>
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

std::uint64_t bytes_of(device& d, upscale_model& m, beside_network const& more, upscale_tiles const& cut, double scale,
                       dtype storage) {
    weight_store weights = m.sketch();
    std::uint64_t arenas = plan::peak_bytes(record_network(d.target(), weights, m, cut, scale, storage).g);
    if (needs_means(m, cut))
        arenas = std::max(arenas, plan::peak_bytes(record_means(d.target(), weights, m, cut, storage).g));
    if (more.lanczos) arenas += plan::peak_bytes(record_enlarge(d.target(), cut, scale).g);
    if (more.continued_colours) arenas += plan::peak_bytes(record_continue_colours(d.target(), m.shape(), cut).g);
    return weights.bytes(d, residence::device) + std::max(weights.loading_bytes(d), arenas);
}

// Of tiles, in the order in which they are tried. Larger ones would gain little: a twentieth is computed twice then.
std::vector<int> lengths(int longest) {
    std::vector<int> all{longest};
    for (int length : {768, 512, 384, 256, 192, 128, 96, 64, 48, 32})
        if (length < longest) all.push_back(length);
    return all;
}

// The part of a first pass that a second one, which makes `to` of it at `scale`, needs.
upscale_part first_part(upscale_part const& p, int network, double scale) {
    rect const all{p.from.x * network, p.from.y * network, p.from.width * network, p.from.height * network};
    return {p.from, intersect(pixels_under(p.to, scale), all)};
}

} // namespace

std::string upscale_plan::text() const {
    std::size_t const tiles = cut.tiles.size();
    return std::format("needs {}, {} free: {} of {} × {} pixels", gigabytes(needed), gigabytes(available),
                       tiles == 1 ? "one tile" : std::format("{} tiles", tiles), cut.width, cut.height);
}

upscale_plan plan_upscale(device& d, upscale_model& m, picture const& given, upscale_part const& part, double scale,
                          dtype storage, int longest) {
    upscale_plan plan{.storage = storage, .available = d.memory_available() + m.weights().loaded_bytes(d)};
    tile_needs const needs = needs_of(m.shape(), scale);
    beside_network const more = needs_of(given);
    std::uint64_t least = ~std::uint64_t(0);
    for (int length : lengths(longest ? longest : d.target().software ? 512 : 1024)) {
        plan.cut = cut_into_tiles(part, scale, needs, length);
        plan.needed = bytes_of(d, m, more, plan.cut, scale, storage);
        if (plan.needed <= plan.available) return plan;
        least = std::min(least, plan.needed);
    }
    fail(
        "{} needs {} of GPU memory at least, and {} can be had on {}: close other programs that use the GPU, or take a "
        "smaller model.",
        m.chosen().source, gigabytes(least), gigabytes(plan.available), d.info().name);
}

upscale_model& open_model(open_upscalers& models, upscale_settings const& s) {
    std::string const ours = s.scale > 2 ? "sfumato:upscale-x4" : "sfumato:upscale-x2";
    return models.open({s.model.empty() ? ours : s.model, s.dtype});
}

std::optional<run_result> upscale(device& d, upscale_model& m, run_input const& in, job const& j,
                                  std::function<void(upscale_plan const&)> const& planned) {
    upscale_settings const& s = in.request.upscale;
    dtype const storage = s.dtype.value_or(d.target().storage());
    int const network = m.shape().scale;
    picture given;
    picture const* from = &in.picture;
    upscale_part part = in.part;
    double left = s.scale, done = 0;
    while (true) {
        double const scale = scale_of_pass(left, network);
        bool const last = scale == left;
        upscale_part const now = last ? part : first_part(part, network, left / scale);
        upscale_plan const chosen = plan_upscale(d, m, *from, now, scale, storage, s.tile);
        planned(chosen);
        // Each pass has as many times more pixels than the one before.
        double const upto = last ? 1 : done + (1 - done) / (1 + double(network) * network);
        auto made = upscale_pass(d, m, *from, now, scale, chosen.cut, storage, part_of(j, done, upto));
        if (!made) return std::nullopt;
        if (last) return run_result{.filled = std::move(*made)};
        given = std::move(*made);
        from = &given;
        part.from = now.to;
        left /= scale;
        done = upto;
    }
}

} // namespace sfumato
