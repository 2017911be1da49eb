#include "models/pipelines/upscale/upscale_reader.h"

#include <algorithm>
#include <utility>

namespace sfumato {

namespace {

float within(float v) { return std::clamp(v, 0.f, 1.f); }

// Which of `extent` pixels stands for one that may lie outside: the border is a mirror, without its own pixel twice.
int mirrored(int at, int extent) {
    if (extent == 1) return 0;
    int const period = 2 * (extent - 1), k = ((at % period) + period) % period;
    return std::min(k, period - k);
}
// … or is repeated, as waifu2x's tools have it for networks without padding.
int repeated(int at, int extent) { return std::clamp(at, 0, extent - 1); }

// `height` × `width` pixels of p from (y, x) on, which may lie outside.
picture read_tile(picture const& p, int y, int x, int height, int width, int (*outside)(int, int)) {
    picture tile(width, height);
    for (int v = 0; v < height; ++v)
        for (int u = 0; u < width; ++u) {
            std::size_t const from = std::size_t(outside(y + v, p.height)) * p.width + outside(x + u, p.width);
            std::copy_n(&p.pixels[4 * from], 4, &tile.pixels[4 * (std::size_t(v) * width + u)]);
        }
    return tile;
}

} // namespace

alpha_range range_of_alpha(picture const& p, rect const& area) {
    auto const alpha = [&](int x, int y) { return p.pixels[4 * (std::size_t(y) * p.width + x) + 3]; };
    alpha_range r{alpha(area.x, area.y), alpha(area.x, area.y)};
    for (int y = area.y; y < area.bottom(); ++y)
        for (int x = area.x; x < area.right(); ++x) {
            r.least = std::min(r.least, alpha(x, y));
            r.most = std::max(r.most, alpha(x, y));
        }
    return r;
}

std::vector<float> colours_of(picture const& p) {
    return planes(p, [](float const* at, int c) { return within(at[c]); });
}

std::vector<float> alpha_of(picture const& p) {
    return planes(p, [](float const* at, int) { return within(at[3]); });
}

tile_reader::continuation::continuation(device& d, colour_graph recorded)
    : graph(std::move(recorded)), run(d, std::move(graph.g)) {}

tile_reader::tile_reader(device& d, upscaler_shape const& shape, picture const& given, upscale_tiles const& cut,
                         bool continues_colours)
    : margin_(shape.margin), height_(cut.height), width_(cut.width), given_(given) {
    if (continues_colours) continuation_.emplace(d, record_continue_colours(d.target(), shape, cut));
}

picture tile_reader::read(upscale_tile const& t, int margin) const {
    return read_tile(given_, t.y - margin, t.x - margin, height_ + 2 * margin, width_ + 2 * margin,
                     margin ? repeated : mirrored);
}

picture tile_reader::as_it_is(upscale_tile const& t) const { return read(t, 0); }

// What lies outside the picture repeats what is seen.
alpha_range tile_reader::alpha_of(upscale_tile const& t) const {
    return range_of_alpha(given_, intersect({t.x - margin_, t.y - margin_, width_ + 2 * margin_, height_ + 2 * margin_},
                                            {0, 0, given_.width, given_.height}));
}

std::optional<seen_tile> tile_reader::see(upscale_tile const& t, job const& j) {
    seen_tile seen{read(t, margin_), alpha_of(t)};
    if (seen.alpha.has_clear() && !seen.alpha.is_clear() && !continue_colours(seen.pixels, j)) return std::nullopt;
    return seen;
}

bool tile_reader::continue_colours(picture& tile, job const& j) {
    auto& [graph, run] = continuation_.value();
    std::vector<float> weights(tile.pixels.size() / 4);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = tile.pixels[4 * i + 3] > 0 ? 1 : 0;
    run.upload<float>(graph.in, tile.pixels);
    run.upload<float>(graph.weights, weights);
    if (!run.run([&](sentence const&, double) { return !j.is_cancelled(); })) return false;
    auto const filled = run.download<float>(graph.out);
    for (std::size_t i = 0; i < tile.pixels.size(); ++i)
        if (i % 4 != 3) tile.pixels[i] = filled[i];
    return true;
}

} // namespace sfumato
