#include "models/pipelines/diffusion/latent_codec.h"

#include "models/files/prefixes.h"
#include "models/nets/vae.h"
#include "models/pipelines/stages.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

scope network_in(graph& g, weight_store& weights) { return scope(g, weights, std::string(vae_prefix)); }

struct tile {
    int y = 0, x = 0, height = 0, width = 0; // cells
};

std::vector<tile> tiles_of(int height, int width, tiling const& t) {
    auto const [h, w] = tile_of(height, width, t);
    std::vector<tile> all;
    for (int y : tile_starts(height, {h, t.overlap}))
        for (int x : tile_starts(width, {w, t.overlap})) all.push_back({y, x, h, w});
    return all;
}

// [h, w, c] floats, of which a part is taken or to which a tile is added.
struct plane {
    int height = 0, width = 0, channels = 0;
    std::vector<float> values;

    plane(int h, int w, int c) : height(h), width(w), channels(c), values(std::size_t(h) * w * c) {}
    float* at(int y, int x) { return &values[(std::size_t(y) * width + x) * channels]; }
    float const* at(int y, int x) const { return &values[(std::size_t(y) * width + x) * channels]; }
};

plane part_of(plane const& all, tile const& t, int scale) {
    plane part(t.height * scale, t.width * scale, all.channels);
    for (int y = 0; y < part.height; ++y)
        std::copy_n(all.at(t.y * scale + y, t.x * scale), std::size_t(part.width) * part.channels, part.at(y, 0));
    return part;
}

// How much a tile counts at `i` of `size`: rising from its edge over `ramp`, except where the picture ends.
float weight(int i, int size, int ramp, bool at_start, bool at_end) {
    float w = 1;
    if (!at_start) w = std::min(w, (float(i) + 0.5f) / float(ramp));
    if (!at_end) w = std::min(w, (float(size - i) - 0.5f) / float(ramp));
    return w;
}

// Tiles that overlap, blended linearly.
struct mosaic {
    plane sum;
    std::vector<float> weights; // [height, width]
    int scale, ramp;

    mosaic(int cells_h, int cells_w, int channels, int scale, int overlap)
        : sum(cells_h * scale, cells_w * scale, channels), weights(std::size_t(sum.height) * sum.width), scale(scale),
          ramp(std::max(1, overlap * scale)) {}

    void add(tile const& t, std::span<float const> values) {
        int const h = t.height * scale, w = t.width * scale, top = t.y * scale, left = t.x * scale, c = sum.channels;
        for (int y = 0; y < h; ++y)
            for (int x = 0; x < w; ++x) {
                float const share = weight(y, h, ramp, top == 0, top + h == sum.height) *
                                    weight(x, w, ramp, left == 0, left + w == sum.width);
                float* to = sum.at(top + y, left + x);
                for (int i = 0; i < c; ++i) to[i] += share * values[(std::size_t(y) * w + x) * c + i];
                weights[std::size_t(top + y) * sum.width + left + x] += share;
            }
    }
    plane finish() {
        for (std::size_t i = 0; i < weights.size(); ++i)
            for (int c = 0; c < sum.channels; ++c) sum.values[i * sum.channels + c] /= weights[i];
        return std::move(sum);
    }
};

// Runs one graph over all tiles.
std::optional<plane> run_tiles(device& d, weight_store& weights, codec_graph recorded, plane const& in, int in_scale,
                               int out_scale, std::vector<tile> const& tiles, int overlap, job const& j) {
    auto const running = load(d, weights, j);
    if (!running) return std::nullopt;
    plan p(d, std::move(recorded.g));
    tile const& last = tiles.back();
    mosaic out(last.y + last.height, last.x + last.width, recorded.out.shape.c, out_scale, overlap);
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        p.upload<float>(recorded.in, part_of(in, tiles[i], in_scale).values);
        bool const going = p.run([&](sentence const& stage, double fraction) {
            running->report({stage, (double(i) + fraction) / double(tiles.size())});
            return !running->is_cancelled();
        });
        if (!going) return std::nullopt;
        out.add(tiles[i], p.download<float>(recorded.out));
    }
    return out.finish();
}

} // namespace

tiling tiles_of_side(int cells) {
    if (cells == 0) return {};
    return {.tile = cells, .overlap = cells < 64 ? std::min(8, cells / 2) : 16};
}

tile_size tile_of(int height, int width, tiling const& t) {
    return t.tile ? tile_size{std::min(t.tile, height), std::min(t.tile, width)} : tile_size{height, width};
}

std::vector<int> tile_starts(int extent, tiling const& t) {
    if (t.tile == 0 || t.tile >= extent) return {0};
    assert(t.overlap < t.tile);
    int const step = t.tile - t.overlap, count = (extent - t.overlap + step - 1) / step;
    std::vector<int> starts;
    for (int i = 0; i < count; ++i) starts.push_back(int(std::lround(double(i) * (extent - t.tile) / (count - 1))));
    return starts;
}

codec_graph record_encode(target const& to, weight_store& weights, vae_config const& c, int height, int width,
                          dtype storage) {
    graph g(to.storing(storage));
    g.stage(say("encode the picture"));
    int const cell = latent_format_of(c).cell;
    tensor const in = g.input({.h = height * cell, .w = width * cell, .c = 3});
    tensor const out = vae_encode(network_in(g, weights), c, cast(g, in, storage));
    g.output(out);
    return {std::move(g), in, out};
}

codec_graph record_decode(target const& to, weight_store& weights, vae_config const& c, int height, int width,
                          dtype storage) {
    graph g(to.storing(storage));
    g.stage(say("decode the picture"));
    tensor const in = g.input({.h = height, .w = width, .c = c.z_channels});
    tensor const out = vae_decode(network_in(g, weights), c, cast(g, in, storage));
    g.output(out);
    return {std::move(g), in, out};
}

picture picture_of(std::vector<float> const& decoded, int height, int width) {
    assert(decoded.size() == std::size_t(3) * height * width);
    picture p(width, height);
    for (std::size_t i = 0; i < p.pixels.size(); ++i)
        p.pixels[i] = i % 4 == 3 ? 1 : 0.5f * decoded[i / 4 * 3 + i % 4] + 0.5f;
    return p;
}

std::optional<latent_distribution> encode_picture(device& d, weight_store& weights, vae_config const& c,
                                                  picture const& p, tiling const& cut, dtype storage, job const& j) {
    latent_format const format = latent_format_of(c);
    assert(p.width % format.cell == 0 && p.height % format.cell == 0);
    plane in(p.height, p.width, 3);
    for (std::size_t i = 0; i < in.values.size(); ++i) in.values[i] = 2 * p.pixels[i / 3 * 4 + i % 3] - 1;
    auto const tiles = tiles_of(p.height / format.cell, p.width / format.cell, cut);
    auto const moments =
        run_tiles(d, weights, record_encode(d.target(), weights, c, tiles[0].height, tiles[0].width, storage), in,
                  format.cell, 1, tiles, cut.overlap, j);
    if (!moments) return std::nullopt;
    latent_distribution result;
    int const z = c.z_channels;
    result.mean = {moments->height, moments->width, z, std::vector<float>(moments->values.size() / 2)};
    result.deviation = result.mean;
    for (std::size_t cell = 0; cell * z < result.mean.values.size(); ++cell)
        for (int i = 0; i < z; ++i) {
            result.mean.values[cell * z + i] = float((moments->values[cell * 2 * z + i] - format.shift) * format.scale);
            double const log_variance = std::clamp(moments->values[cell * 2 * z + z + i], -30.0f, 20.0f);
            result.deviation.values[cell * z + i] = float(std::exp(0.5 * log_variance) * format.scale);
        }
    return result;
}

std::optional<picture> decode_latent(device& d, weight_store& weights, vae_config const& c, latent const& l,
                                     tiling const& cut, dtype storage, job const& j) {
    latent_format const format = latent_format_of(c);
    assert(l.channels == format.channels);
    plane in(l.height, l.width, l.channels);
    std::ranges::transform(l.values, in.values.begin(),
                           [&](float v) { return float(v / format.scale + format.shift); });
    auto const tiles = tiles_of(l.height, l.width, cut);
    auto const out =
        run_tiles(d, weights, record_decode(d.target(), weights, c, tiles[0].height, tiles[0].width, storage), in, 1,
                  format.cell, tiles, cut.overlap, j);
    if (!out) return std::nullopt;
    return picture_of(out->values, out->height, out->width);
}

} // namespace sfumato
