#include "models/pipelines/upscale/upscale_pass.h"

#include "compute/device.h"
#include "compute/half.h"
#include "models/pipelines/stages.h"
#include "models/pipelines/upscale/upscale_means.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace sfumato {

namespace {

// What of a colour the network sees: 0 … 1, in the precision of what it stores.
struct sight {
    dtype storage;

    float operator()(float v) const {
        v = std::clamp(v, 0.f, 1.f);
        return storage == dtype::f16 ? f16_value(f16_bits(v)) : storage == dtype::bf16 ? bf16_value(bf16_bits(v)) : v;
    }
};
// Networks that add the picture to what they find see it all.
sight sight_of(upscaler_shape const& s, dtype storage) { return {s.adds_picture ? dtype::f32 : storage}; }

bool sees_all(sight const& see, picture const& p) {
    for (std::size_t i = 0; i < p.pixels.size(); ++i)
        if (i % 4 != 3 && p.pixels[i] != see(p.pixels[i])) return false;
    return true;
}

// What a graph made of a tile: three channels that begin at the result's pixel (y, x).
struct made {
    int y = 0, x = 0, width = 0;
    std::vector<float> values;

    float const* at(int v, int u) const { return &values[3 * (std::size_t(v - y) * width + (u - x))]; }
    float* at(int v, int u) { return &values[3 * (std::size_t(v - y) * width + (u - x))]; }
};

// A graph that is run for one tile after the other.
struct tile_plan {
    tile_plan(device& d, tile_graph recorded) : graph(std::move(recorded)), run(d, std::move(graph.g)) {}

    tile_graph graph;
    plan run;
};

using lists = std::vector<std::vector<float>>;

class pass_over_tiles {
  public:
    pass_over_tiles(device& d, upscaler_shape const& shape, upscale_pass_input const& in, tile_reader& reader,
                    tile_graph network, network_means const& means)
        : shape_(shape), in_(in), see_(sight_of(shape, in.storage)), reader_(reader), means_(means),
          network_(d, std::move(network)), result_(in.part.to.width, in.part.to.height) {
        if (in.more.lanczos) lanczos_.emplace(d, record_enlarge(d.target(), in.cut, in.scale));
    }

    std::optional<picture> run(job const& j) {
        double const count = double(in_.cut.tiles.size());
        for (std::size_t i = 0; i < in_.cut.tiles.size(); ++i)
            if (!make(in_.cut.tiles[i], part_of(j, double(i) / count, double(i + 1) / count))) return std::nullopt;
        return std::move(result_);
    }

  private:
    // Makes a tile's part of the result. False: cancelled.
    bool make(upscale_tile const& t, job const& j) {
        auto const seen = reader_.see(t, j);
        if (!seen) return false;
        if (seen->alpha.is_clear()) {
            auto const colours =
                with_lanczos(t, planes(reader_.as_it_is(t), [](float const* p, int c) { return p[c]; }), j);
            if (colours) write(t, *colours, [](int, int) { return 0.f; });
            return colours.has_value();
        }
        bool const uneven = seen->alpha.is_uneven();
        auto const colours = make_colours(t, seen->pixels, uneven ? part_of(j, 0, 0.5) : j);
        if (!colours) return false;
        if (!uneven) {
            write(t, *colours, [&](int, int) { return seen->alpha.least; });
            return true;
        }
        auto const grey = through_network(t, alpha_of(seen->pixels), means_.alpha, part_of(j, 0.5, 1));
        if (grey) write(t, *colours, [&](int y, int x) { return alpha_at(*grey, y, x); });
        return grey.has_value();
    }

    // What the network makes of the colours that it sees, and the rest of them with Lanczos.
    std::optional<made> make_colours(upscale_tile const& t, picture const& seen, job const& j) {
        auto colours = through_network(t, colours_of(seen), means_.colours, j);
        if (!colours || sees_all(see_, seen)) return colours;
        auto const unseen = [&](float const* p, int c) { return p[c] - see_(p[c]); };
        auto const more = with_lanczos(t, planes(seen, unseen, shape_.margin), j);
        if (!more) return std::nullopt;
        for (int y = t.to.y; y < t.to.bottom(); ++y)
            for (int x = t.to.x; x < t.to.right(); ++x)
                for (int c = 0; c < 3; ++c) colours->at(y, x)[c] += more->at(y, x)[c];
        return colours;
    }

    // Throws overflow.
    std::optional<made> through_network(upscale_tile const& t, std::vector<float> const& values, lists const& means,
                                        job const& j) {
        for (std::size_t k = 0; k < network_.graph.means.size(); ++k)
            network_.run.upload<float>(network_.graph.means[k], means[k]);
        auto m = run_on(network_, t, values, shape_.scale, j);
        if (m)
            for (int y = t.to.y; y < t.to.bottom(); ++y) check_numbers({m->at(y, t.to.x), 3 * std::size_t(t.to.width)});
        return m;
    }

    // Of any finite values the result is finite: Lanczos goes beyond them by half at most.
    std::optional<made> with_lanczos(upscale_tile const& t, std::vector<float> values, job const& j) {
        constexpr float largest = std::numeric_limits<float>::max() / 4;
        for (float& v : values) v = std::clamp(v, -largest, largest);
        return run_on(lanczos_.value(), t, values, 1, {.cancelled = j.cancelled});
    }

    // `values`: those of the tile. `pixels`: those of the graph's own result for one of the picture, along a side.
    std::optional<made> run_on(tile_plan& p, upscale_tile const& t, std::vector<float> const& values, int pixels,
                               job const& j) const {
        rect const& from = in_.part.from;
        p.run.upload<float>(p.graph.in, values);
        made m{.y = (from.y + t.y) * pixels, .x = (from.x + t.x) * pixels, .width = p.graph.out.shape.w, .values = {}};
        if (p.graph.origin) {
            m.y = t.to.y, m.x = t.to.x;
            std::array const origin{float((m.y / in_.scale - from.y - t.y) * pixels),
                                    float((m.x / in_.scale - from.x - t.x) * pixels)};
            p.run.upload<float>(*p.graph.origin, origin);
        }
        if (!run_graph(p.run, j)) return std::nullopt;
        m.values = p.run.download<float>(p.graph.out);
        return m;
    }

    // What the network makes of alpha, no more and no less than what is there.
    float alpha_at(made const& grey, int y, int x) const {
        picture const& given = in_.given;
        int const v = int((y + 0.5) / in_.scale) - in_.part.from.y, u = int((x + 0.5) / in_.scale) - in_.part.from.x;
        alpha_range const around =
            range_of_alpha(given, intersect({u - 1, v - 1, 3, 3}, {0, 0, given.width, given.height}));
        float const* g = grey.at(y, x);
        return std::clamp((g[0] + g[1] + g[2]) / 3, around.least, around.most);
    }

    template <class F> void write(upscale_tile const& t, made const& colours, F alpha) {
        rect const& to = in_.part.to;
        for (int y = t.to.y; y < t.to.bottom(); ++y)
            for (int x = t.to.x; x < t.to.right(); ++x) {
                float* at = &result_.pixels[4 * (std::size_t(y - to.y) * result_.width + (x - to.x))];
                std::copy_n(colours.at(y, x), 3, at);
                at[3] = alpha(y, x);
            }
    }

    upscaler_shape const shape_;
    upscale_pass_input const& in_;
    sight const see_;
    tile_reader& reader_;
    network_means const& means_;
    tile_plan network_;
    std::optional<tile_plan> lanczos_;
    picture result_;
};

} // namespace

beside_network needs_of(picture const& p, upscaler_shape const& s, dtype storage) {
    bool const transparent = range_of_alpha(p, {0, 0, p.width, p.height}).has_clear();
    return {.continued_colours = transparent, .lanczos = transparent || !sees_all(sight_of(s, storage), p)};
}

std::optional<picture> upscale_pass(device& d, upscale_model& m, upscale_pass_input const& in, network_means* shared,
                                    job const& j) {
    upscaler_shape const shape = m.shape();
    network_means means = shared ? *shared : network_means{};
    bool const with_means = needs_means(shape, in.cut, shared != nullptr);
    tile_graph network = record_network(d.target(), m.weights(), m, in.cut, in.scale, in.storage, with_means);
    auto const loaded = load(d, m.weights(), j);
    if (!loaded) return std::nullopt;

    tile_reader reader(d, shape, in.given, in.cut, in.more.continued_colours);
    double found = 0; // how much of the work is done by then
    if (with_means) {
        search_for_means search(d, m, in.cut, in.storage, reader, means);
        found = search.work() / (search.work() + network.g.work() * double(in.cut.tiles.size()));
        if (!search.run(part_of(*loaded, 0, found))) return std::nullopt;
    }
    auto result = pass_over_tiles(d, shape, in, reader, std::move(network), means).run(part_of(*loaded, found, 1));
    if (shared) *shared = std::move(means);
    return result;
}

} // namespace sfumato
