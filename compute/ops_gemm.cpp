// Weights into panels, and every product with them.
#include "compute/error.h"
#include "compute/gemm_block.h"
#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>

namespace sfumato {

namespace {

using kernel::uint;

uint parts(uint count, uint size) { return (count + size - 1) / size; }
uint up(uint value, uint multiple) { return parts(value, multiple) * multiple; }

// panel_bytes of shaders/panels.glsl.
std::uint64_t panel_bytes(weight_format format, std::uint64_t k) {
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
    uint const outputs = to.outputs, inputs = to.inputs, taps = to.kernel_h * to.kernel_w, k = inputs * taps,
               panels = up(outputs, 16) / 16;
    std::uint64_t const words = std::uint64_t(panels) * panel_bytes(to.format, k) / 4 + inputs;
    if (words > std::uint64_t(std::numeric_limits<int>::max()))
        fail("A matrix of {} × {} is larger than any that can be computed with: the model's file is damaged.", outputs,
             k);
    to.panels = g.temporary({.c = int(words)}, dtype::u32);
    kernel::gemm_pack const parameters{.w = g.in(w),
                                       .panels = g.out(to.panels),
                                       .outputs = outputs,
                                       .inputs = inputs,
                                       .k = k,
                                       .first = strides.first,
                                       .output_stride = strides.output,
                                       .input_stride = strides.input,
                                       .row_stride = strides.row,
                                       .column_stride = strides.column};
    // shaders/gemm_pack_rows.glsl
    bool const whole_rows = !blocks && strides.output == k && strides.input == taps;
    bool const software = g.target().software && g.target().subgroup == 8;
    uint const span = software ? 256 : 16;
    std::size_t const items = whole_rows ? (std::size_t(panels) * parts(k, span) + parts(inputs, span)) * 8
                                         : std::size_t(panels) * (blocks ? k / 32 : k) * 8 + inputs;
    double const work = whole_rows ? 8 * span : blocks ? 256 : 16;
    g.dispatch(parameters, launch::items(items), work,
               {uint(w.type), uint(to.format), uint(to.kernel_w), to.geglu, whole_rows ? taps : 0, span, software});
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

int columns_of(packed_weights const& w) { return w.geglu ? w.outputs / 2 : w.outputs; }

int inputs_of(product const& p) { return p.x.shape.c + (p.input.second ? p.input.second->shape.c : 0); }

void check(product const& p) {
    auto const& w = p.weights;
    auto const& e = p.after;
    [[maybe_unused]] int const n = p.x.shape.n, columns = columns_of(w);
    assert(p.input.second ? inputs_of(p) == w.inputs : p.x.shape.c >= w.inputs);
    assert(e.into ? e.into->first + columns <= p.y.shape.c : columns == p.y.shape.c);
    if (p.input.second) {
        assert(p.input.second->type == p.x.type && p.input.second->shape.h == p.x.shape.h);
        assert(p.input.second->shape.n == n && p.input.second->shape.w == p.x.shape.w);
    }
    [[maybe_unused]] shape const per_image{.n = n, .c = columns};
    assert(!e.bias || int(e.bias->shape.count()) == w.outputs);
    assert(!e.channel_add || e.channel_add->shape == per_image);
    assert(!e.gate || e.gate->shape == per_image);
    assert(!e.slopes || int(e.slopes->shape.count()) == columns);
    shape residual = p.y.shape;
    if (e.residual) residual.c = e.residual->shape.c;
    assert(!e.residual || (e.residual->shape == residual && residual.c >= columns));
    assert(!w.geglu || (!e.channel_add && !e.gate && e.activation == activation::none));
    assert((e.activation == activation::prelu) == e.slopes.has_value());
}

// The addresses that an epilogue needs, for gemm or gemm_reduce.
template <class Parameters> void set_epilogue(graph& g, Parameters& k, epilogue const& e) {
    if (e.bias) k.bias = g.in(*e.bias);
    if (e.channel_add) k.channel_add = g.in(*e.channel_add);
    if (e.slopes) k.slopes = g.in(*e.slopes);
    if (e.gate) k.gate = g.in(*e.gate);
    if (e.residual) k.residual = g.in(*e.residual);
    k.slope = e.slope;
}

kernel::gemm parameters(graph& g, product const& p, epilogue const& e) {
    auto const& in = p.x.shape;
    kernel::gemm k{.x = g.in(p.x),
                   .second = {},
                   .panels = g.in(p.weights.panels),
                   .bias = {},
                   .channel_add = {},
                   .slopes = {},
                   .gate = {},
                   .residual = {},
                   .y = {}};
    if (p.input.second) k.second = g.in(*p.input.second);
    set_epilogue(g, k, e);
    k.y = g.out(p.y, e.into ? e.into->first : 0);
    k.c2 = p.input.second ? p.input.second->shape.c : 0;
    k.h = in.h, k.w = in.w, k.c1 = p.weights.inputs - k.c2;
    k.image_rows = p.out_h * p.out_w, k.rows = in.n * k.image_rows, k.out_w = p.out_w;
    k.columns = columns_of(p.weights);
    k.panel_count = up(p.weights.outputs, 16) / 16;
    return k;
}

uint pitch(tensor const& t, int channels) { return t.shape.c == channels ? 0 : t.shape.c; }

// Specialization constants 0 … 9, of shaders/epilogue.glsl.
std::vector<uint> epilogue_constants(tensor const& y, epilogue const& e, packed_weights const& w) {
    int const columns = columns_of(w);
    return {uint(y.type),
            type_of(e.bias),
            type_of(e.channel_add),
            type_of(e.slopes),
            type_of(e.gate),
            type_of(e.residual),
            uint(e.activation),
            w.geglu,
            e.into ? pitch(y, columns) : 0,
            e.residual ? pitch(*e.residual, columns) : 0};
}

// 0 … 23, of shaders/gemm.comp.
std::vector<uint> constants(product const& p, epilogue const& e) {
    auto const& in = p.input;
    auto all = epilogue_constants(p.y, e, p.weights);
    all.insert(all.end(),
               {uint(p.x.type), uint(p.weights.format), uint(p.weights.kernel_h), uint(p.weights.kernel_w),
                uint(in.stride), uint(in.pad.top), uint(in.pad.left), in.reflect, in.upsample, in.second.has_value(),
                uint(p.out_step), uint(p.out_y), uint(p.out_x), in.second ? 0 : pitch(p.x, p.weights.inputs)});
    return all;
}

// Products for one element of the result.
double depth(packed_weights const& w) { return double(w.inputs) * w.kernel_h * w.kernel_w; }

double operations_of(product const& p) {
    return 2.0 * p.x.shape.n * p.out_h * p.out_w * p.weights.outputs * depth(p.weights);
}

// Inputs of one tap that gemm_software.glsl multiplies in one round: as many as compile well, without a rest where that
// is possible.
uint round_of(weight_format format, uint c1, uint c2) {
    auto const divides = [&](uint step) { return c1 % step == 0 && c2 % step == 0; };
    if (format >= weight_format::q8_0) return 32;
    for (uint step : {64u, 80u, 48u, 32u})
        if (format != weight_format::bf16 && divides(step)) return step;
    return format == weight_format::bf16 || divides(16) ? 16 : 32;
}

// Enough workgroups for many cores, and enough rows in each to use a panel again while it is in the cache.
void multiply_software(graph& g, product const& p) {
    uint const rows = p.x.shape.n * p.out_h * p.out_w, panels = up(p.weights.outputs, 16) / 16;
    uint const group_rows = std::clamp<uint>(up(uint(std::uint64_t(rows) * panels / 32), 6), 6, 96);
    kernel::gemm k = parameters(g, p, p.after);
    k.group_rows = group_rows;
    auto all = constants(p, p.after);
    uint const step = round_of(p.weights.format, k.c1, k.c2), few = k.c1 < 4 && k.c2 == 0 ? k.c1 : 0;
    all.insert(all.end(), {k.c1 % step == 0 && k.c2 % step == 0, step, few}); // 24 … of shaders/gemm_software.glsl
    g.dispatch(k, launch::groups(panels, parts(rows, group_rows)), 2.0 * group_rows * 2 * depth(p.weights), all,
               kernel_variant::software);
    g.count_product(operations_of(p), 2.0 * up(rows, 6) * panels * 16 * depth(p.weights));
}

void multiply_tiled(graph& g, product const& p) {
    target const& t = g.target();
    auto const& e = p.after;
    uint const rows = p.x.shape.n * p.out_h * p.out_w, columns = up(p.weights.outputs, 16);
    uint const c2 = p.input.second ? p.input.second->shape.c : 0, c1 = p.weights.inputs - c2;
    gemm_size const size{rows, columns, uint(p.weights.kernel_h * p.weights.kernel_w), c1, c2, p.out_step == 1};
    gemm_block const b = choose_gemm_block(t, size);

    // Split: plain sums first, all else when they are added.
    product part = p;
    epilogue const none;
    epilogue const& after = b.splits > 1 ? none : e;
    if (b.splits > 1) part.y = g.temporary({.n = int(b.splits), .h = int(rows), .c = int(columns)});
    kernel::gemm const k = parameters(g, part, after);
    auto all = constants(part, after);
    uint const channels = c1 | c2 | uint(p.x.shape.c), result = k.columns | uint(p.y.shape.c) |
                                                                uint(e.into ? e.into->first : 0) |
                                                                uint(e.residual ? e.residual->shape.c : 0);
    all.insert(all.end(), {b.m, b.n, b.k,
                           channels % 8 == 0   ? 8u
                           : channels % 4 == 0 ? 4u
                                               : 1u,
                           c1 % b.k == 0 && c2 % b.k == 0, b.splits > 1, result % 8 == 0, t.rolled});
    if (b.variant == kernel_variant::scalar)
        all.push_back(b.lanes);
    else
        all.insert(all.end(), {b.fragment.m, b.fragment.n, b.fragment.k, b.fragment.workgroup_scope ? 2u : 3u, b.grid_n,
                               b.grid_m * b.grid_n, b.fragments_m, b.fragments_n, b.patch_rows, b.turned,
                               b.grid_m * b.grid_n * t.subgroup >= gemm_invocations(b.variant)});
    double const operations = 2.0 * b.m * b.n * depth(p.weights) / b.splits;
    uint const line = length_of_line(b.count, operations);
    g.dispatch(k, launch::groups(line, parts(b.count, line), b.splits), operations / gemm_invocations(b.variant), all,
               b.variant);
    g.count_product(operations_of(p), b.operations(size));
    if (b.splits == 1) return;
    kernel::gemm_reduce reduce{.partial = g.in(part.y),
                               .bias = {},
                               .channel_add = {},
                               .slopes = {},
                               .gate = {},
                               .residual = {},
                               .y = {},
                               .rows = rows,
                               .image_rows = k.image_rows,
                               .columns = k.columns,
                               .panel_count = k.panel_count,
                               .splits = b.splits};
    set_epilogue(g, reduce, e);
    reduce.y = g.out(p.y, e.into ? e.into->first : 0);
    g.dispatch(reduce, launch::items(std::size_t(rows) * columns / 2), 4.0 * b.splits,
               epilogue_constants(p.y, e, p.weights));
}

void multiply(graph& g, product const& p) {
    check(p);
    if (g.target().matrix == matrix_path::software)
        multiply_software(g, p);
    else
        multiply_tiled(g, p);
}

// The whole input is normalised first: in the product each value would be normalised again for every tap and every
// block of columns.
tensor conv2d_of_normalised(graph& g, tensor const& x, packed_weights const& w, conv2d_options options,
                            epilogue const& after) {
    activation const f = options.affine_silu ? activation::silu : activation::none;
    tensor const affine = *options.affine;
    options.affine.reset();
    if (!options.second) return conv2d(g, apply_affine(g, x, affine, f), w, options, after);
    int const c1 = x.shape.c, c2 = options.second->shape.c;
    options.second = apply_affine(g, *options.second, slice(g, affine, c1, c2), f);
    return conv2d(g, apply_affine(g, x, slice(g, affine, 0, c1), f), w, options, after);
}

tensor result(graph& g, shape s, dtype type, epilogue const& e) {
    if (!e.into) return g.temporary(s, e.type.value_or(type));
    [[maybe_unused]] shape const& whole = e.into->whole.shape;
    assert(whole.n == s.n && whole.h == s.h && whole.w == s.w);
    return e.into->whole;
}

} // namespace

packed_weights pack_linear(graph& g, tensor const& w, weight_format format, bool geglu) {
    assert(w.shape.n == 1 && w.shape.h == 1 && (!geglu || w.shape.w % 2 == 0));
    uint const k = w.shape.c;
    return pack(g, w, {.panels = {}, .format = format, .outputs = w.shape.w, .inputs = int(k), .geglu = geglu},
                {.output = k, .input = 1});
}

packed_weights outputs_of(packed_weights const& w, int first, int count) {
    assert(w.kernel_h * w.kernel_w == 1 && !w.geglu);
    assert(first % 16 == 0 && count % 16 == 0 && first >= 0 && first + count <= w.outputs);
    std::size_t const words = panel_bytes(w.format, std::uint64_t(w.inputs)) / 4;
    packed_weights part = w;
    part.outputs = count;
    part.panels.first += std::size_t(first) / 16 * words;
    part.panels.shape = {.c = int(std::size_t(count) / 16 * words) +
                              w.inputs}; // kernels may read so far behind the last
    return part;
}

packed_weights pack_linear_transposed(graph& g, tensor const& w, weight_format format) {
    assert(w.shape.n == 1 && w.shape.h == 1);
    int const inputs = w.shape.w, outputs = w.shape.c;
    return pack(g, w, {.panels = {}, .format = format, .outputs = outputs, .inputs = inputs},
                {.output = 1, .input = uint(outputs)});
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
    assert(!options.affine || options.affine->shape == (shape{.n = x.shape.n, .w = 2, .c = w.inputs}));
    if (options.affine) return conv2d_of_normalised(g, x, w, options, after);
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
