#include "models/pipelines/upscale_graphs.h"

#include "compute/ops.h"
#include "compute/ops_fill.h"

#include <format>

namespace sfumato {

namespace {

// x has `pixels` a pixel of the picture.
tensor to_window(tile_graph& t, tensor const& x, upscale_tiles const& cut, double pixels, double scale) {
    t.origin = t.g.input({.c = 2});
    double const step = pixels / scale;
    return resize(t.g, x, cut.window_height, cut.window_width, filter::lanczos,
                  {.step_y = step, .step_x = step, .origin = *t.origin});
}

} // namespace

tile_graph record_network(target const& to, weight_store& weights, upscale_model const& m, upscale_tiles const& cut,
                          double scale, dtype storage) {
    upscaler_shape const shape = m.shape();
    tile_graph t{.g = graph(to.storing(storage))};
    t.g.stage(std::format("enlarge {} × {}", cut.width, cut.height));
    t.in = t.g.input({.h = cut.height + 2 * shape.margin, .w = cut.width + 2 * shape.margin, .c = 3});
    t.out = upscaler(scope(t.g, weights, ""), m.network(), t.in, storage);
    if (scale != shape.scale) t.out = to_window(t, t.out, cut, shape.scale, scale);
    t.g.output(t.out);
    return t;
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

} // namespace sfumato
