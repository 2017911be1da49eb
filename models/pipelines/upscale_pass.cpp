#include "models/pipelines/upscale_pass.h"

#include "compute/device.h"
#include "compute/error.h"
#include "compute/half.h"
#include "models/pipelines/stages.h"
#include "models/pipelines/upscale_graphs.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sfumato {

namespace {

float within(float v) { return std::clamp(v, 0.f, 1.f); }

struct alpha_range {
    float least = 1, most = 0;
};
alpha_range range_of_alpha(picture const& p) {
    alpha_range r{p.pixels[3], p.pixels[3]};
    for (std::size_t i = 3; i < p.pixels.size(); i += 4) {
        r.least = std::min(r.least, p.pixels[i]);
        r.most = std::max(r.most, p.pixels[i]);
    }
    return r;
}

// What of a colour the network sees: 0 … 1, in the precision of what it stores.
struct sight {
    dtype storage;

    float operator()(float v) const {
        v = within(v);
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

// [h, w, 3] of what `value` makes of each pixel's channel; all but `margin` pixels at each side.
template <class F> std::vector<float> planes(picture const& p, F value, int margin = 0) {
    std::vector<float> all;
    all.reserve(3 * std::size_t(p.height - 2 * margin) * (p.width - 2 * margin));
    for (int y = margin; y < p.height - margin; ++y)
        for (int x = margin; x < p.width - margin; ++x)
            for (int c = 0; c < 3; ++c) all.push_back(value(&p.pixels[4 * (std::size_t(y) * p.width + x)], c));
    return all;
}

// What a graph made of a tile: three channels that begin at the result's pixel (y, x).
struct made {
    int y = 0, x = 0, width = 0;
    std::vector<float> values;

    float const* at(int v, int u) const { return &values[3 * (std::size_t(v - y) * width + (u - x))]; }
    float* at(int v, int u) { return &values[3 * (std::size_t(v - y) * width + (u - x))]; }
};

class pass_over_tiles {
  public:
    pass_over_tiles(device& d, upscale_model& m, picture const& given, upscale_part const& part, double scale,
                    upscale_tiles const& cut, dtype storage, picture_means* means)
        : d_(d), model_(m), shape_(m.shape()), given_(given), part_(part), scale_(scale), cut_(cut), storage_(storage),
          see_(sight_of(shape_, storage)), with_means_(needs_means(shape_, cut, means != nullptr)),
          network_(record_network(d.target(), m.weights(), m, cut_, scale, storage, with_means_)),
          result_(part.to.width, part.to.height) {
        if (!means || !with_means_) return;
        means_ = *means;
        check_means();
    }

    picture_means const& means() const { return means_; }

    std::optional<picture> run(job const& j) {
        auto const loaded = load(d_, model_.weights(), j);
        if (!loaded) return std::nullopt;
        std::vector<upscale_tile> looked_at;
        if (with_means_ && means_.empty()) looked_at = tiles_to_look_at();
        double const count = double(cut_.tiles.size()),
                     first = double(looked_at.size()) / (count + double(looked_at.size()));
        if (!looked_at.empty() && !find_means(looked_at, part_of(*loaded, 0, first))) return std::nullopt;
        job const running = part_of(*loaded, first, 1);
        for (std::size_t i = 0; i < cut_.tiles.size(); ++i)
            if (!run(cut_.tiles[i], part_of(running, double(i) / count, double(i + 1) / count))) return std::nullopt;
        return std::move(result_);
    }

  private:
    // They may come from another program.
    void check_means() const {
        bool fits = means_.empty() || means_.size() == std::size(whole_means::channels);
        for (std::size_t k = 0; fits && k < means_.size(); ++k)
            fits = means_[k].size() == std::size_t(whole_means::channels[k]);
        if (!fits)
            fail("The means that were given with a part of the picture are not those of {}.", model_.chosen().source);
    }

    // At most nine, spread over the picture.
    std::vector<upscale_tile> tiles_to_look_at() const {
        constexpr std::size_t most = 9;
        std::size_t const all = cut_.tiles.size(), count = std::min(all, most);
        std::vector<upscale_tile> some;
        for (std::size_t i = 0; i < count; ++i) some.push_back(cut_.tiles[(2 * i + 1) * all / (2 * count)]);
        return some;
    }

    // Means over tiles instead of the whole picture: close to those of the picture in one piece, and the same for all
    // tiles, so that none differs from its neighbours. False: cancelled.
    bool find_means(std::vector<upscale_tile> const& tiles, job const& j) {
        tile_graph graph = record_means(d_.target(), model_.weights(), model_, cut_, storage_);
        plan p(d_, std::move(graph.g));
        means_.assign(graph.means.size(), {});
        for (std::size_t i = 0; i < tiles.size(); ++i) {
            picture const seen = read(tiles[i], shape_.margin);
            p.upload<float>(graph.in, planes(seen, [](float const* at, int c) { return within(at[c]); }));
            job const part = part_of(j, double(i) / double(tiles.size()), double(i + 1) / double(tiles.size()));
            if (!run(p, part)) return false;
            for (std::size_t k = 0; k < means_.size(); ++k) {
                auto const mean = p.download<float>(graph.means[k]);
                means_[k].resize(mean.size());
                for (std::size_t c = 0; c < mean.size(); ++c) means_[k][c] += mean[c] / float(tiles.size());
            }
        }
        return true;
    }

    picture read(upscale_tile const& t, int margin) const {
        return read_tile(given_, t.y - margin, t.x - margin, cut_.height + 2 * margin, cut_.width + 2 * margin,
                         margin ? repeated : mirrored);
    }

    static bool run(plan& p, job const& j) {
        return p.run([&](std::string const& stage, double fraction) {
            j.report({stage, fraction});
            return !j.is_cancelled();
        });
    }

    bool run(upscale_tile const& t, job const& j) {
        picture seen = read(t, shape_.margin);
        alpha_range const alpha = range_of_alpha(seen);
        if (alpha.most <= 0) { // there is nothing to see
            auto const colours = enlarge(t, planes(read(t, 0), [](float const* p, int c) { return p[c]; }), j);
            if (colours) write(t, *colours, [](int, int) { return 0.f; });
            return colours.has_value();
        }
        if (alpha.least <= 0 && !continue_colours(seen, j)) return false;

        bool const is_grey_too = alpha.least < alpha.most;
        auto colours = through_network(t, planes(seen, [](float const* p, int c) { return within(p[c]); }),
                                       is_grey_too ? part_of(j, 0, 0.5) : j);
        if (!colours) return false;
        if (!sees_all(see_, seen)) {
            auto const unseen = [&](float const* p, int c) { return p[c] - see_(p[c]); };
            auto const more = enlarge(t, planes(seen, unseen, shape_.margin), j);
            if (!more) return false;
            for (int y = t.to.y; y < t.to.bottom(); ++y)
                for (int x = t.to.x; x < t.to.right(); ++x)
                    for (int c = 0; c < 3; ++c) colours->at(y, x)[c] += more->at(y, x)[c];
        }
        if (!is_grey_too) {
            write(t, *colours, [&](int, int) { return alpha.least; });
            return true;
        }
        auto const grey =
            through_network(t, planes(seen, [](float const* p, int) { return within(p[3]); }), part_of(j, 0.5, 1));
        if (grey) write(t, *colours, [&](int y, int x) { return alpha_of(*grey, y, x); });
        return grey.has_value();
    }

    // What the network makes of alpha, no more and no less than what is there.
    float alpha_of(made const& grey, int y, int x) const {
        int const v = int((y + 0.5) / scale_) - part_.from.y, u = int((x + 0.5) / scale_) - part_.from.x;
        float least = INFINITY, most = -INFINITY;
        for (int dy = -1; dy <= 1; ++dy)
            for (int dx = -1; dx <= 1; ++dx) {
                std::size_t const at =
                    std::size_t(repeated(v + dy, given_.height)) * given_.width + repeated(u + dx, given_.width);
                least = std::min(least, given_.pixels[4 * at + 3]);
                most = std::max(most, given_.pixels[4 * at + 3]);
            }
        float const* g = grey.at(y, x);
        return std::clamp((g[0] + g[1] + g[2]) / 3, least, most);
    }

    template <class F> void write(upscale_tile const& t, made const& colours, F alpha) {
        for (int y = t.to.y; y < t.to.bottom(); ++y)
            for (int x = t.to.x; x < t.to.right(); ++x) {
                float* to = &result_.pixels[4 * (std::size_t(y - part_.to.y) * result_.width + (x - part_.to.x))];
                std::copy_n(colours.at(y, x), 3, to);
                to[3] = alpha(y, x);
            }
    }

    // Runs a graph on `values`. Nothing: cancelled.
    std::optional<made> run(std::optional<plan>& p, tile_graph& graph, upscale_tile const& t,
                            std::vector<float> const& values, int pixels, job const& j) {
        if (!p) p.emplace(d_, std::move(graph.g));
        p->upload<float>(graph.in, values);
        made m{.width = graph.out.shape.w};
        if (graph.origin) {
            m.y = t.to.y, m.x = t.to.x;
            std::array const origin{float((m.y / scale_ - part_.from.y - t.y) * pixels),
                                    float((m.x / scale_ - part_.from.x - t.x) * pixels)};
            p->upload<float>(*graph.origin, origin);
        } else {
            m.y = (part_.from.y + t.y) * pixels, m.x = (part_.from.x + t.x) * pixels;
        }
        for (std::size_t k = 0; k < graph.means.size(); ++k) p->upload<float>(graph.means[k], means_[k]);
        if (!run(*p, j)) return std::nullopt;
        m.values = p->download<float>(graph.out);
        return m;
    }

    std::optional<made> through_network(upscale_tile const& t, std::vector<float> const& values, job const& j) {
        auto m = run(network_plan_, network_, t, values, shape_.scale, j);
        if (m) check_colours(*m, t);
        return m;
    }

    std::optional<made> enlarge(upscale_tile const& t, std::vector<float> const& values, job const& j) {
        if (!enlarge_) enlarge_ = record_enlarge(d_.target(), cut_, scale_);
        return run(enlarge_plan_, *enlarge_, t, values, 1, {.cancelled = j.cancelled});
    }

    // Gives pixels without alpha the colours of those around them.
    bool continue_colours(picture& tile, job const& j) {
        if (!colours_) colours_ = record_continue_colours(d_.target(), shape_, cut_);
        if (!colours_plan_) colours_plan_.emplace(d_, std::move(colours_->g));
        std::vector<float> weights(tile.pixels.size() / 4);
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = tile.pixels[4 * i + 3] > 0 ? 1 : 0;
        colours_plan_->upload<float>(colours_->in, tile.pixels);
        colours_plan_->upload<float>(colours_->weights, weights);
        if (!colours_plan_->run([&](std::string const&, double) { return !j.is_cancelled(); })) return false;
        auto const filled = colours_plan_->download<float>(colours_->out);
        for (std::size_t i = 0; i < tile.pixels.size(); ++i)
            if (i % 4 != 3) tile.pixels[i] = filled[i];
        return true;
    }

    void check_colours(made const& m, upscale_tile const& t) const {
        for (int y = t.to.y; y < t.to.bottom(); ++y)
            for (int x = t.to.x; x < t.to.right(); ++x)
                for (int c = 0; c < 3; ++c)
                    if (!std::isfinite(m.at(y, x)[c]))
                        fail("The network computed values that are no colours on {}: compute with fp32 (--dtype fp32), "
                             "or choose another device.",
                             d_.info().name);
    }

    device& d_;
    upscale_model& model_;
    upscaler_shape const shape_;
    picture const& given_;
    upscale_part const part_;
    double const scale_;
    upscale_tiles const cut_;
    dtype const storage_;
    sight const see_;
    bool const with_means_;
    tile_graph network_;
    std::optional<tile_graph> enlarge_;
    std::optional<colour_graph> colours_;
    std::optional<plan> network_plan_, enlarge_plan_, colours_plan_;
    picture_means means_;
    picture result_;
};

} // namespace

beside_network needs_of(picture const& p, upscaler_shape const& s, dtype storage) {
    bool const transparent = range_of_alpha(p).least <= 0;
    return {.continued_colours = transparent, .lanczos = transparent || !sees_all(sight_of(s, storage), p)};
}

bool needs_means(upscaler_shape const& s, upscale_tiles const& cut, bool shares_means) {
    return s.has_means && (shares_means || cut.tiles.size() > 1);
}

std::optional<picture> upscale_pass(device& d, upscale_model& m, picture const& given, upscale_part const& part,
                                    double scale, upscale_tiles const& cut, dtype storage, picture_means* means,
                                    job const& j) {
    pass_over_tiles pass(d, m, given, part, scale, cut, storage, means);
    auto result = pass.run(j);
    if (means) *means = pass.means();
    return result;
}

} // namespace sfumato
