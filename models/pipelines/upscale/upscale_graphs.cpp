#include "models/pipelines/upscale/upscale_graphs.h"

#include "compute/ops.h"
#include "compute/ops_fill.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <iterator>
#include <utility>

namespace sfumato {

namespace {

// x has `pixels` a pixel of the picture.
tensor to_window(tile_graph& t, tensor const& x, upscale_tiles const& cut, double pixels, double scale) {
    t.origin = t.g.input({.c = 2});
    double const step = pixels / scale;
    return resize(t.g, x, cut.window_height, cut.window_width, filter::lanczos,
                  {.step_y = step, .step_x = step, .origin = *t.origin});
}

tile_graph begin(target const& to, upscale_model const& m, upscale_tiles const& cut, dtype storage, sentence stage) {
    int const margin = m.shape().margin;
    tile_graph t{.g = graph(to.storing(storage))};
    t.g.stage(std::move(stage));
    t.in = t.g.input({.h = cut.height + 2 * margin, .w = cut.width + 2 * margin, .c = 3});
    return t;
}

} // namespace

tile_graph record_network(target const& to, weight_store& weights, upscale_model const& m, upscale_tiles const& cut,
                          double scale, dtype storage, bool with_means) {
    tile_graph t = begin(to, m, cut, storage, say("enlarge"));
    whole_means means;
    if (with_means)
        for (int channels : whole_means::channels) means.given.push_back(t.g.input({.c = channels}));
    t.means = means.given;
    t.out = upscaler(scope(t.g, weights, ""), m.network(), t.in, storage, &means);
    int const pixels = m.shape().scale;
    if (scale != pixels) t.out = to_window(t, t.out, cut, pixels, scale);
    t.g.output(t.out);
    return t;
}

std::vector<tile_graph> record_means(target const& to, weight_store& weights, upscale_model const& m,
                                     upscale_tiles const& cut, dtype storage) {
    std::vector<tile_graph> all;
    for (std::size_t k = 0; k < std::size(whole_means::channels); ++k) {
        tile_graph t = begin(to, m, cut, storage, say("look at the whole picture"));
        whole_means means;
        for (std::size_t i = 0; i < k; ++i) means.given.push_back(t.g.input({.c = whole_means::channels[i]}));
        t.means = means.given;
        upscaler(scope(t.g, weights, ""), m.network(), t.in, storage, &means);
        t.out = means.used[k];
        t.g.output(t.out);
        t.g.end_at(t.out);
        all.push_back(std::move(t));
    }
    return all;
}

tile_graph record_enlarge(target const& to, upscale_tiles const& cut, double scale) {
    tile_graph t{.g = graph(to)};
    t.in = t.g.input({.h = cut.height, .w = cut.width, .c = 3});
    t.out = to_window(t, t.in, cut, 1, scale);
    t.g.output(t.out);
    return t;
}

colour_graph record_continue_colours(target const& to, upscaler_shape const& shape, upscale_tiles const& cut) {
    colour_graph c{.g = graph(to)};
    int const h = cut.height + 2 * shape.margin, w = cut.width + 2 * shape.margin;
    c.in = c.g.input({.h = h, .w = w, .c = 4});
    c.weights = c.g.input({.h = h, .w = w});
    c.out = smooth_fill(c.g, c.in, c.weights);
    c.g.output(c.out);
    return c;
}

bool run_graph(plan& p, job const& j) {
    return p.run([&](sentence const& stage, double fraction) {
        j.report({stage, fraction});
        return !j.is_cancelled();
    });
}

} // namespace sfumato
