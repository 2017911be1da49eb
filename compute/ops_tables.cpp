#include "compute/ops.h"

#include "kernel_binaries.h"

#include <cassert>
#include <cmath>

namespace sfumato {

using kernel::uint;

tensor embedding(graph& g, tensor const& ids, tensor const& table, dtype type) {
    int const rows = table.shape.w, channels = table.shape.c;
    assert(ids.type == dtype::u32 && ids.shape.h == 1 && ids.shape.c == 1);
    assert((table.shape == shape{.w = rows, .c = channels}));
    tensor const y = g.temporary({.n = ids.shape.n, .w = ids.shape.w, .c = channels}, type);
    uint const width = channels >= 4 ? 4 : 1;
    std::size_t const invocations = ids.shape.count() * ((uint(channels) + width - 1) / width);
    g.dispatch(kernel::embedding{.ids = g.in(ids),
                                 .table = g.in(table),
                                 .y = g.out(y),
                                 .count = uint(invocations),
                                 .rows = uint(rows),
                                 .channels = uint(channels)},
               launch::items(invocations), 8, {uint(table.type), uint(type), width});
    return y;
}

tensor relative_position_bias(graph& g, tensor const& table, int queries, int keys) {
    int const heads = table.shape.c;
    assert((table.shape == shape{.w = 32, .c = heads}));
    tensor const y = g.temporary({.h = heads, .w = queries, .c = keys});
    g.dispatch(
        kernel::relative_position_bias{
            .table = g.in(table), .y = g.out(y), .heads = uint(heads), .queries = uint(queries), .keys = uint(keys)},
        launch::items(y.shape.count()), 24, {uint(table.type)});
    return y;
}

tensor timestep_embedding(graph& g, tensor const& t, int channels, bool cos_first, float shift) {
    int const n = t.shape.c, half = channels / 2;
    assert((t.shape == shape{.c = n}) && channels % 2 == 0 && (half == 1 || shift < float(half)));
    tensor const y = g.temporary({.n = n, .c = channels});
    double const step = half == 1 ? 0 : std::log2(10000.0) / (half - double(shift));
    auto const steps = std::uint64_t(std::llround(std::ldexp(step, 48)));
    std::size_t const count = std::size_t(n) * half;
    g.dispatch(kernel::timestep_embedding{.t = g.in(t),
                                          .y = g.out(y),
                                          .count = uint(count),
                                          .half_channels = uint(half),
                                          .step_low = uint(steps),
                                          .step_high = uint(steps >> 32)},
               launch::items(count), 100, {uint(cos_first)});
    return y;
}

} // namespace sfumato
