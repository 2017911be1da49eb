#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

using kernel::uint;

// Numbers as in shaders/pointwise.comp.
enum class pointwise_op : uint { copy, affine, add, mul, lerp, activate, gate };

// Innermost first: c, w, h, n.
using strides = std::array<uint, 4>;

// Where an operand's numbers lie: first + Σ index·stride; stride 0 repeats them.
struct operand {
    tensor const* values = nullptr;
    strides stride{};
    uint first = 0;
};

strides strides_of(shape const& s) { return {1, uint(s.c), uint(s.w * s.c), uint(s.h * s.w * s.c)}; }

operand whole(tensor const& t) { return {&t, strides_of(t.shape)}; }

operand broadcast(tensor const& t, shape const& to) {
    int const have[] = {t.shape.c, t.shape.w, t.shape.h, t.shape.n}, want[] = {to.c, to.w, to.h, to.n};
    operand o = whole(t);
    for (int d = 0; d < 4; ++d) {
        assert((have[d] == want[d] || have[d] == 1) && "an operand broadcasts along extents of 1 only");
        if (have[d] != want[d]) o.stride[d] = 0;
    }
    return o;
}

operand from_channel(tensor const& t, int first) { return {&t, strides_of(t.shape), uint(first)}; }

// One dimension of all operands a, b, t and y.
struct dimension {
    uint extent;
    std::array<uint, 4> stride;
};

// As few dimensions as describe all operands; strides along the first are 0 or 1.
std::vector<dimension> joined_dimensions(shape const& s, std::array<operand, 4> const& operands) {
    int const extents[] = {s.c, s.w, s.h, s.n};
    std::vector<dimension> dims;
    for (int d = 0; d < 4; ++d) {
        if (extents[d] == 1) continue;
        dimension next{uint(extents[d]), {}};
        std::ranges::transform(operands, next.stride.begin(), [&](operand const& o) { return o.stride[d]; });
        bool joins = !dims.empty();
        for (int k = 0; k < 4 && joins; ++k) joins = next.stride[k] == dims.back().stride[k] * dims.back().extent;
        if (joins)
            dims.back().extent *= next.extent;
        else
            dims.push_back(next);
    }
    if (dims.empty() || std::ranges::max(dims[0].stride) > 1) dims.insert(dims.begin(), {1, {1, 1, 1, 1}});
    return dims;
}

struct parameters {
    sfumato::activation activation = activation::none;
    float factor = 1, offset = 0;
};

// y = op(a, b, t) over all indices of `s`.
void record(graph& g, pointwise_op op, shape const& s, operand const& a, operand const& b, operand const& t,
            operand const& y, parameters const& given = {}) {
    auto const dims = joined_dimensions(s, {a, b, t, y});
    uint const width = dims[0].extent >= 4 ? 4 : 1;
    std::size_t const invocations = s.count() / dims[0].extent * ((dims[0].extent + width - 1) / width);
    kernel::pointwise p{.count = uint(invocations),
                        .a_first = a.first,
                        .b_first = b.first,
                        .y_first = y.first,
                        .factor = given.factor,
                        .offset = given.offset};
    for (std::size_t d = 0; d < 3; ++d) {
        if (d < dims.size()) p.extents[d] = dims[d].extent;
        if (d + 1 >= dims.size()) continue;
        p.a_strides[d] = dims[d + 1].stride[0];
        p.b_strides[d] = dims[d + 1].stride[1];
        p.t_strides[d] = dims[d + 1].stride[2];
        p.y_strides[d] = dims[d + 1].stride[3];
    }
    auto const type = [](operand const& o) { return o.values ? uint(o.values->type) : 0; };
    p.a = g.in(*a.values);
    if (b.values) p.b = g.in(*b.values);
    if (t.values) p.t = g.in(*t.values);
    p.y = g.out(*y.values);
    g.dispatch(p, launch::items(invocations), 8 * width,
               {uint(op), uint(given.activation), uint(dims.size()), width, type(a), dims[0].stride[0], type(b),
                dims[0].stride[1], type(t), dims[0].stride[2], type(y)});
}

[[maybe_unused]] bool same_pixels(tensor const& a, tensor const& b) {
    return a.shape.n == b.shape.n && a.shape.h == b.shape.h && a.shape.w == b.shape.w;
}

// The result has x's shape; b and t broadcast to it.
tensor apply(graph& g, pointwise_op op, tensor const& x, tensor const* b = nullptr, tensor const* t = nullptr,
             parameters const& given = {}, std::optional<dtype> type = {}) {
    tensor const y = g.temporary(x.shape, type.value_or(x.type));
    record(g, op, x.shape, whole(x), b ? broadcast(*b, x.shape) : operand{}, t ? broadcast(*t, x.shape) : operand{},
           whole(y), given);
    return y;
}

} // namespace

tensor activate(graph& g, tensor const& x, activation f, float slope) {
    assert(f != activation::prelu && "prelu() takes the slopes");
    return apply(g, pointwise_op::activate, x, nullptr, nullptr, {f, slope});
}

tensor prelu(graph& g, tensor const& x, tensor const& slopes) {
    assert((slopes.shape == shape{.c = x.shape.c}));
    return apply(g, pointwise_op::activate, x, &slopes, nullptr, {activation::prelu});
}

tensor geglu(graph& g, tensor const& x) {
    assert(x.shape.c % 2 == 0);
    shape half = x.shape;
    half.c /= 2;
    tensor const y = g.temporary(half, x.type);
    record(g, pointwise_op::gate, half, from_channel(x, 0), from_channel(x, half.c), {}, whole(y), {activation::gelu});
    return y;
}

tensor add(graph& g, tensor const& x, tensor const& y) { return apply(g, pointwise_op::add, x, &y); }
tensor mul(graph& g, tensor const& x, tensor const& y) { return apply(g, pointwise_op::mul, x, &y); }
tensor lerp(graph& g, tensor const& a, tensor const& b, tensor const& t) {
    return apply(g, pointwise_op::lerp, a, &b, &t);
}
tensor scale(graph& g, tensor const& x, float factor, float offset) {
    return apply(g, pointwise_op::affine, x, nullptr, nullptr, {activation::none, factor, offset});
}
tensor cast(graph& g, tensor const& x, dtype type) {
    return type == x.type ? x : apply(g, pointwise_op::copy, x, nullptr, nullptr, {}, type);
}

tensor add_scaled(graph& g, tensor const& x, float factor, tensor const& y, std::optional<channels_from> const& into) {
    assert(same_pixels(x, y) && x.shape.c <= y.shape.c);
    channels_from const to = into ? *into : channels_from{g.temporary(x.shape, x.type)};
    assert(same_pixels(x, to.whole) && to.first + x.shape.c <= to.whole.shape.c);
    record(g, pointwise_op::add, x.shape, whole(x), from_channel(y, 0), {}, from_channel(to.whole, to.first),
           {.factor = factor});
    return to.whole;
}

tensor copy(graph& g, tensor const& x, channels_from const& into) {
    assert(same_pixels(x, into.whole) && into.first + x.shape.c <= into.whole.shape.c);
    record(g, pointwise_op::copy, x.shape, whole(x), {}, {}, from_channel(into.whole, into.first));
    return into.whole;
}

tensor concat(graph& g, tensor const& a, tensor const& b) {
    shape joined = a.shape;
    joined.c += b.shape.c;
    tensor const y = g.temporary(joined, a.type);
    copy(g, a, {y, 0});
    return copy(g, b, {y, a.shape.c});
}

tensor slice(graph& g, tensor const& x, int first, int count) {
    assert(first >= 0 && count > 0 && first + count <= x.shape.c);
    shape part = x.shape;
    part.c = count;
    tensor const y = g.temporary(part, x.type);
    record(g, pointwise_op::copy, part, from_channel(x, first), {}, {}, whole(y));
    return y;
}

} // namespace sfumato
