#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

std::uint32_t up(std::uint32_t value, std::uint32_t multiple) { return (value + multiple - 1) / multiple * multiple; }

} // namespace

linear_weights linear_pack(graph& g, tensor const& w) {
    assert(w.shape.n == 1 && w.shape.h == 1);
    std::uint32_t const n = w.shape.w, k = w.shape.c, columns = up(n, 16);
    tensor const panels = g.temporary({.h = int(columns / 16), .w = int(k), .c = 16});
    g.dispatch(kernel::linear_pack{.w = g.in(w), .panels = g.out(panels), .n = n, .k = k}, {columns, k}, 2);
    return {panels, int(n), int(k)};
}

tensor linear(graph& g, tensor const& x, linear_weights const& weights, linear_options const& options) {
    std::uint32_t const m = x.shape.count() / x.shape.c, n = weights.n, k = weights.k;
    assert(x.shape.c == weights.k);
    shape to = x.shape;
    to.c = weights.n;
    tensor const y = g.temporary(to);
    assert(!options.bias || options.bias->shape.count() == n);
    assert(!options.residual || options.residual->shape == to);

    // Enough workgroups for many cores, and enough rows in each to use a panel again while it is in the cache.
    std::uint32_t const rows = std::min<std::uint32_t>(96, up((m + 15) / 16, 6));
    kernel::linear p{.x = g.in(x),
                     .panels = g.in(weights.panels),
                     .bias = {},
                     .residual = {},
                     .y = {},
                     .m = m,
                     .n = n,
                     .k = k,
                     .rows = rows};
    if (options.bias) p.bias = g.in(*options.bias);
    if (options.residual) p.residual = g.in(*options.residual);
    p.y = g.out(y);
    g.dispatch(p, {up(n, 16) / 16 * 8, (m + rows - 1) / rows}, 2.0 * rows * 2 * k,
               {std::uint32_t(options.activation), options.bias.has_value(), options.residual.has_value()});
    return y;
}

} // namespace sfumato
