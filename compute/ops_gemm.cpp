// Weights into panels, and every product with them.
#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

using kernel::uint;

uint up(uint value, uint multiple) { return (value + multiple - 1) / multiple * multiple; }

// panel_bytes of shaders/panels.glsl.
uint panel_bytes(weight_format format, uint k) {
    switch (format) {
    case weight_format::f32: return k * 64;
    case weight_format::q8_0: return k * 17;
    case weight_format::q4_0: return k * 9;
    default: return k * 32;
    }
}

// Where a tap's weights lie in the checkpoint's tensor.
struct weight_strides {
    uint first = 0, output = 0, input = 0, row = 0, column = 0;
};

packed_weights pack(graph& g, tensor const& w, packed_weights to, weight_strides const& strides) {
    bool const blocks = to.format == weight_format::q8_0 || to.format == weight_format::q4_0;
    assert(!blocks || to.inputs % 32 == 0);
    uint const outputs = to.outputs, inputs = to.inputs, k = inputs * to.kernel_h * to.kernel_w,
               panels = up(outputs, 16) / 16;
    to.panels = g.temporary({.c = int(panels * panel_bytes(to.format, k) / 4 + inputs)}, dtype::u32);
    g.dispatch(kernel::gemm_pack{.w = g.in(w),
                                 .panels = g.out(to.panels),
                                 .outputs = outputs,
                                 .inputs = inputs,
                                 .k = k,
                                 .first = strides.first,
                                 .output_stride = strides.output,
                                 .input_stride = strides.input,
                                 .row_stride = strides.row,
                                 .column_stride = strides.column},
               launch::items(std::size_t(panels) * (blocks ? k / 32 : k) * 8 + inputs), blocks ? 256 : 16,
               {uint(w.type), uint(to.format), uint(to.kernel_w), to.geglu});
    return to;
}

constexpr uint absent = 255; // shaders/epilogue.glsl

uint type_of(std::optional<tensor> const& t) { return t ? uint(t->type) : absent; }

// What one dispatch of gemm computes.
struct product {
    tensor x;
    packed_weights const& weights;
    conv2d_options const& input;
    epilogue const& after;
    int out_h, out_w; // pixels computed
    tensor y;
    int out_step = 1, out_y = 0, out_x = 0; // where they lie in y
};

void check(product const& p) {
    auto const& w = p.weights;
    auto const& e = p.after;
    [[maybe_unused]] int const n = p.x.shape.n, columns = p.y.shape.c;
    assert(p.x.shape.c + (p.input.second ? p.input.second->shape.c : 0) == w.inputs);
    assert(columns == (w.geglu ? w.outputs / 2 : w.outputs));
    if (p.input.second) {
        assert(p.input.second->type == p.x.type && p.input.second->shape.h == p.x.shape.h);
        assert(p.input.second->shape.n == n && p.input.second->shape.w == p.x.shape.w);
    }
    [[maybe_unused]] shape const per_image{.n = n, .c = columns};
    assert(!e.bias || int(e.bias->shape.count()) == w.outputs);
    assert(!e.channel_add || e.channel_add->shape == per_image);
    assert(!e.gate || e.gate->shape == per_image);
    assert(!e.slopes || int(e.slopes->shape.count()) == columns);
    assert(!e.residual || e.residual->shape == p.y.shape);
    assert(!w.geglu || (!e.channel_add && !e.gate && e.activation == activation::none));
    assert((e.activation == activation::prelu) == e.slopes.has_value());
}

kernel::gemm parameters(graph& g, product const& p) {
    auto const& e = p.after;
    auto const& in = p.x.shape;
    kernel::gemm k{.x = g.in(p.x),
                   .second = {},
                   .panels = g.in(p.weights.panels),
                   .bias = {},
                   .channel_add = {},
                   .slopes = {},
                   .gate = {},
                   .residual = {},
                   .y = {},
                   .affine = {}};
    if (p.input.second) k.second = g.in(*p.input.second);
    if (e.bias) k.bias = g.in(*e.bias);
    if (e.channel_add) k.channel_add = g.in(*e.channel_add);
    if (e.slopes) k.slopes = g.in(*e.slopes);
    if (e.gate) k.gate = g.in(*e.gate);
    if (e.residual) k.residual = g.in(*e.residual);
    k.y = g.out(p.y);
    if (p.input.affine) k.affine = g.in(*p.input.affine);
    k.h = in.h, k.w = in.w, k.c1 = in.c, k.c2 = p.input.second ? p.input.second->shape.c : 0;
    k.image_rows = p.out_h * p.out_w, k.rows = in.n * k.image_rows, k.out_w = p.out_w;
    k.columns = p.y.shape.c, k.panel_count = up(p.weights.outputs, 16) / 16;
    k.slope = e.slope;
    return k;
}

std::vector<uint> constants(product const& p) {
    auto const& e = p.after;
    auto const& in = p.input;
    return {uint(p.y.type),
            type_of(e.bias),
            type_of(e.channel_add),
            type_of(e.slopes),
            type_of(e.gate),
            type_of(e.residual),
            uint(e.activation),
            uint(p.x.type),
            uint(p.weights.format),
            uint(p.weights.kernel_h),
            uint(p.weights.kernel_w),
            uint(in.stride),
            uint(in.pad.top),
            uint(in.pad.left),
            in.reflect,
            in.upsample,
            in.second.has_value(),
            p.weights.geglu,
            uint(p.out_step),
            uint(p.out_y),
            uint(p.out_x)};
}

// Enough workgroups for many cores, and enough rows in each to use a panel again while it is in the cache.
void multiply_software(graph& g, product const& p) {
    kernel::gemm k = parameters(g, p);
    k.group_rows = std::min<uint>(96, up((k.rows + 15) / 16, 6));
    double const products = double(p.weights.inputs) * p.weights.kernel_h * p.weights.kernel_w;
    g.dispatch(k, launch::groups(k.panel_count, (k.rows + k.group_rows - 1) / k.group_rows),
               2.0 * k.group_rows * 2 * products, constants(p), kernel_variant::software);
}

void multiply(graph& g, product const& p) {
    check(p);
    multiply_software(g, p);
}

tensor result(graph& g, shape s, dtype type, epilogue const& e) { return g.temporary(s, e.type.value_or(type)); }

} // namespace

packed_weights pack_linear(graph& g, tensor const& w, weight_format format, bool geglu) {
    assert(w.shape.n == 1 && w.shape.h == 1 && (!geglu || w.shape.w % 2 == 0));
    uint const k = w.shape.c;
    return pack(g, w, {.panels = {}, .format = format, .outputs = w.shape.w, .inputs = int(k), .geglu = geglu},
                {.output = k, .input = 1});
}

packed_weights pack_conv2d(graph& g, tensor const& w, weight_format format) {
    auto const [outputs, inputs, kernel_h, kernel_w] = w.shape;
    uint const tap = kernel_h * kernel_w;
    return pack(g, w,
                {.panels = {},
                 .format = format,
                 .outputs = outputs,
                 .inputs = inputs,
                 .kernel_h = kernel_h,
                 .kernel_w = kernel_w},
                {.output = uint(inputs) * tap, .input = tap, .row = uint(kernel_w), .column = 1});
}

tensor linear(graph& g, tensor const& x, packed_weights const& w, epilogue const& after) {
    // Each image's rows follow each other, so that per-image operands find theirs.
    tensor rows = x;
    rows.shape.w *= rows.shape.h;
    rows.shape.h = 1;
    shape to = x.shape;
    to.c = w.geglu ? w.outputs / 2 : w.outputs;
    tensor const y = result(g, to, x.type, after);
    conv2d_options const plain;
    multiply(g, {rows, w, plain, after, 1, rows.shape.w, y});
    return y;
}

tensor conv2d(graph& g, tensor const& x, packed_weights const& w, conv2d_options const& options,
              epilogue const& after) {
    int const scale = options.upsample ? 2 : 1;
    auto const extent = [&](int size, int pads, int kernel) {
        assert(size * scale + pads >= kernel);
        return (size * scale + pads - kernel) / options.stride + 1;
    };
    int const h = extent(x.shape.h, options.pad.top + options.pad.bottom, w.kernel_h),
              width = extent(x.shape.w, options.pad.left + options.pad.right, w.kernel_w);
    tensor const y = result(g, {.n = x.shape.n, .h = h, .w = width, .c = w.outputs}, x.type, after);
    multiply(g, {x, w, options, after, h, width, y});
    return y;
}

// Row 2a + p of the result sees input rows a (p = 0, the kernel's middle) or a + 1 and a (p = 1, its first and last
// row); columns likewise (padding 1, output padding 1).
packed_transpose_weights pack_conv_transpose2d(graph& g, tensor const& w, weight_format format) {
    auto const [inputs, outputs, kernel_h, kernel_w] = w.shape;
    assert(kernel_h == 3 && kernel_w == 3);
    packed_transpose_weights packed;
    // Taps of a parity: 0 → kernel row 1 at input a; 1 → kernel row 2 at input a, row 0 at input a + 1.
    for (int y : {0, 1})
        for (int x : {0, 1}) {
            int const row = y ? 2 : 1, column = x ? 2 : 1;
            packed.parity[y][x] = pack(g, w,
                                       {.panels = {},
                                        .format = format,
                                        .outputs = outputs,
                                        .inputs = inputs,
                                        .kernel_h = 1 + y,
                                        .kernel_w = 1 + x},
                                       {.first = uint(row * 3 + column),
                                        .output = 9,
                                        .input = uint(outputs) * 9,
                                        .row = uint(-6),
                                        .column = uint(-2)});
        }
    return packed;
}

tensor conv_transpose2d(graph& g, tensor const& x, packed_transpose_weights const& w, epilogue const& after) {
    auto const [n, h, width, c] = x.shape;
    tensor const y = result(g, {.n = n, .h = 2 * h, .w = 2 * width, .c = w.parity[0][0].outputs}, x.type, after);
    conv2d_options const plain; // beyond the last row and column: zeros
    for (int dy : {0, 1})
        for (int dx : {0, 1}) multiply(g, {x, w.parity[dy][dx], plain, after, h, width, y, 2, dy, dx});
    return y;
}

} // namespace sfumato
