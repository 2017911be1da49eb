#include "compute/ops_depthwise.h"

#include "kernel_binaries.h"

#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

using kernel::uint;

// `kernel`: 0 without weights, where the result is x with what follows.
void record(graph& g, tensor const& x, tensor const* w, int kernel, depthwise_options const& o, tensor const& y) {
    shape const& s = x.shape;
    gained_leaky_relu const after = o.activation.value_or(gained_leaky_relu{});
    assert(!o.bias || (o.bias->type == dtype::f32 && o.bias->shape == (shape{.c = s.c})));
    assert(!after.noise ||
           (after.noise->type == dtype::f32 && after.noise->shape == (shape{.h = y.shape.h, .w = y.shape.w})));
    assert(!after.residual || after.residual->shape == y.shape);
    uint const together = s.c % 4 == 0 ? 4 : 1;
    std::size_t const invocations = y.shape.count() / together;
    kernel::depthwise_conv2d k{.x = g.in(x),
                               .residual = {},
                               .y = {},
                               .w = {},
                               .bias = {},
                               .noise = {},
                               .count = uint(invocations),
                               .height = uint(y.shape.h),
                               .width = uint(y.shape.w),
                               .channels = uint(s.c),
                               .x_height = uint(s.h),
                               .x_width = uint(s.w),
                               .pad = uint(o.pad_before)};
    if (w) k.w = kernel::f32s(g.in(*w));
    if (after.residual) k.residual = g.in(*after.residual);
    if (o.bias) k.bias = kernel::f32s(g.in(*o.bias));
    if (after.noise) k.noise = kernel::f32s(g.in(*after.noise));
    k.y = g.out(y);
    double const taps = kernel * kernel / (o.spread ? 4.0 : 1.0);
    g.dispatch(k, launch::items(invocations), (3 * taps + 12) * together,
               {uint(x.type), after.residual ? uint(after.residual->type) : 255, together, uint(kernel), uint(o.stride),
                uint(o.spread), uint(o.activation.has_value()), uint(o.bias.has_value()),
                uint(after.noise.has_value())});
}

} // namespace

tensor activate(graph& g, tensor const& x, gained_leaky_relu const& f) {
    tensor const y = g.temporary(x.shape, x.type);
    record(g, x, nullptr, 0, {.activation = f}, y);
    return y;
}

tensor depthwise_conv2d(graph& g, tensor const& x, tensor const& w, depthwise_options const& o) {
    int const kernel = int(std::lround(std::sqrt(w.shape.w)));
    assert(w.type == dtype::f32 && w.shape == (shape{.w = kernel * kernel, .c = x.shape.c}) && o.stride > 0);
    auto const result = [&](int side) {
        return ((o.spread ? 2 * side : side) + o.pad_before + o.pad_after - kernel) / o.stride + 1;
    };
    tensor const y = g.temporary({x.shape.n, result(x.shape.h), result(x.shape.w), x.shape.c}, x.type);
    record(g, x, &w, kernel, o, y);
    return y;
}

} // namespace sfumato
