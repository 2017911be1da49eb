// Norms, softmax and statistics: everything that reduces.
#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

using kernel::uint;

uint groups_of(std::size_t count, std::size_t size) { return uint((count + size - 1) / size); }

// How a kernel divides rows among lanes: the numbers of shaders/spans.glsl.
enum class access : uint { strided, neighbours, software };

access access_to(graph const& g, int columns, std::initializer_list<std::optional<dtype>> types) {
    auto const f32 = [](std::optional<dtype> t) { return !t || *t == dtype::f32; };
    bool const words = columns % 2 == 0 || std::ranges::all_of(types, f32); // rows start at multiples of 4 bytes
    if (g.target().software && g.target().subgroup == 8 && words) return access::software;
    return columns % 4 == 0 ? access::neighbours : access::strided;
}

// A subgroup for each of `count` rows, or for several of them.
launch subgroups(graph const& g, std::size_t count) { return launch::items(count * g.target().subgroup); }

// Pictures [images, rows, columns] cut into slabs of rows, for divide_by_grid() of shaders/spans.glsl.
struct grid {
    uint images, rows, columns, slabs, slab_rows;
    access columns_by;

    std::size_t lanes() const {
        return columns_by == access::software ? groups_of(columns, 32) * 8 : groups_of(columns, 4);
    }
    launch size() const { return launch::items(lanes() * slabs * images); }
    double work(double per_element) const { return per_element * 4 * slab_rows; }
};

// Into slabs of about `slab_rows` rows.
grid cut(uint images, uint rows, uint columns, access columns_by, std::size_t slab_rows) {
    grid made{images, rows, columns, 1, uint(std::min<std::size_t>((slab_rows + 7) / 8 * 8, rows)), columns_by};
    made.slabs = groups_of(rows, made.slab_rows);
    return made;
}

struct partial_moments {
    grid of;
    tensor values; // [images, slabs, fields, columns]
};

// As many slabs as keep the device busy, and few for stage 2.
std::size_t choose_slab_rows(graph const& g, tensor const& x, uint rows, uint columns) {
    access const columns_by = access_to(g, int(columns), {x.type});
    grid const whole = cut(x.shape.n, rows, columns, columns_by, rows);
    std::size_t const busy = columns_by == access::software ? 512 : 65536; // invocations
    std::size_t const slabs = std::clamp<std::size_t>(busy / (whole.lanes() * whole.images), 1, 256);
    return std::max<std::size_t>(groups_of(rows, slabs), 32);
}

// Stage 1.
partial_moments moments(graph& g, tensor const& x, uint rows, uint columns, bool extremes, std::size_t slab_rows) {
    access const columns_by = access_to(g, int(columns), {x.type});
    grid const of = cut(x.shape.n, rows, columns, columns_by, slab_rows);
    tensor const values = g.temporary({.n = x.shape.n, .h = int(of.slabs), .w = extremes ? 6 : 3, .c = int(columns)});
    g.dispatch(kernel::moments{.x = g.in(x),
                               .partial = g.out(values),
                               .images = of.images,
                               .rows = rows,
                               .columns = columns,
                               .slabs = of.slabs,
                               .slab_rows = of.slab_rows},
               of.size(), of.work(extremes ? 12 : 5), {uint(columns_by), uint(x.type), extremes});
    return {of, values};
}

constexpr uint absent = 255; // shaders/layer_norm.comp

uint type_of(std::optional<tensor> const& t) { return t ? uint(t->type) : absent; }
std::optional<dtype> dtype_of(std::optional<tensor> const& t) { return t ? std::optional(t->type) : std::nullopt; }
kernel::elements in(graph& g, std::optional<tensor> const& t) { return t ? g.in(*t) : kernel::elements{}; }

// Rows of x, whatever they lie in.
uint rows_of(tensor const& x) { return uint(x.shape.count() / x.shape.c); }

bool per_channel(tensor const& t, tensor const& x) { return t.shape == shape{.c = x.shape.c}; }
bool per_image(tensor const& t, tensor const& x) { return t.shape == shape{.n = x.shape.n, .c = x.shape.c}; }

struct affine_operands {
    tensor factors, offsets;
    uint image_stride, offset_start;
    float factor_added;
};

tensor apply_affine(graph& g, tensor const& x, affine_operands const& by, activation f) {
    shape const& s = x.shape;
    access const columns_by = access_to(g, s.c, {x.type, by.factors.type, by.offsets.type});
    grid const of = cut(s.n, s.h * s.w, s.c, columns_by, columns_by == access::software ? 64 : 8);
    tensor const y = g.temporary(s, x.type);
    g.dispatch(kernel::apply_affine{.x = g.in(x),
                                    .factors = g.in(by.factors),
                                    .offsets = g.in(by.offsets),
                                    .y = g.out(y),
                                    .images = of.images,
                                    .rows = of.rows,
                                    .columns = of.columns,
                                    .slabs = of.slabs,
                                    .slab_rows = of.slab_rows,
                                    .image_stride = by.image_stride,
                                    .offset_start = by.offset_start,
                                    .factor_added = by.factor_added},
               of.size(), of.work(f == activation::none ? 4 : 12),
               {uint(columns_by), uint(x.type), uint(by.factors.type), uint(by.offsets.type), uint(f)});
    return y;
}

struct row_norm {
    bool centred = true;
    layer_norm_options options;
    std::optional<tensor> into{};
};

tensor norm_rows(graph& g, tensor const& x, row_norm const& norm) {
    auto const& o = norm.options;
    assert((!o.weight || per_channel(*o.weight, x)) && (!o.bias || per_channel(*o.bias, x)));
    assert((!o.scale || per_image(*o.scale, x)) && (!o.shift || per_image(*o.shift, x)));
    shape const& s = x.shape;
    access const columns_by =
        access_to(g, s.c, {x.type, dtype_of(o.weight), dtype_of(o.bias), dtype_of(o.scale), dtype_of(o.shift)});
    assert(!norm.into || (norm.into->shape == s && norm.into->type == x.type));
    tensor const y = norm.into ? *norm.into : g.temporary(s, x.type);
    g.dispatch(kernel::layer_norm{.x = g.in(x),
                                  .weight = in(g, o.weight),
                                  .bias = in(g, o.bias),
                                  .scale = in(g, o.scale),
                                  .shift = in(g, o.shift),
                                  .y = g.out(y),
                                  .rows = rows_of(x),
                                  .columns = uint(s.c),
                                  .image_rows = uint(s.h * s.w),
                                  .eps = o.eps},
               subgroups(g, rows_of(x)), 12.0 * s.c / g.target().subgroup,
               {uint(columns_by), uint(x.type), norm.centred, type_of(o.weight), type_of(o.bias), type_of(o.scale),
                type_of(o.shift)});
    return y;
}

} // namespace

tensor group_norm_affine(graph& g, tensor const& x, int groups, tensor const& weight, tensor const& bias, float eps,
                         std::optional<tensor> const& second) {
    shape s = x.shape;
    if (second) s.c += second->shape.c;
    [[maybe_unused]] shape const each{.c = s.c};
    assert(groups > 0 && s.c % groups == 0 && weight.shape == each && bias.shape == each);
    uint const rows = uint(s.h * s.w);
    std::size_t const slab_rows = choose_slab_rows(g, x, rows, uint(s.c));
    auto [of, partial] = moments(g, x, rows, uint(x.shape.c), false, slab_rows);
    if (second) { // each column has moments of its own
        assert(second->shape.n == s.n && second->shape.h == s.h && second->shape.w == s.w);
        auto const further = moments(g, *second, rows, uint(second->shape.c), false, slab_rows);
        partial = concat(g, partial, further.values);
        of.columns = uint(s.c);
    }
    tensor const affine = g.temporary({.n = s.n, .w = 2, .c = s.c});
    g.dispatch(kernel::group_norm_affine{.partial = g.in(partial),
                                         .weight = g.in(weight),
                                         .bias = g.in(bias),
                                         .affine = g.out(affine),
                                         .images = of.images,
                                         .rows = of.rows,
                                         .columns = of.columns,
                                         .slabs = of.slabs,
                                         .slab_rows = of.slab_rows,
                                         .groups = uint(groups),
                                         .eps = eps},
               subgroups(g, std::size_t(s.n) * groups), 10.0 * of.slabs * s.c / groups / g.target().subgroup,
               {uint(access::strided), uint(weight.type), uint(bias.type)});
    return affine;
}

tensor apply_affine(graph& g, tensor const& x, tensor const& affine, activation f) {
    [[maybe_unused]] shape const factors_and_offsets{.n = x.shape.n, .w = 2, .c = x.shape.c};
    assert(affine.shape == factors_and_offsets && (f == activation::none || f == activation::silu));
    uint const columns = uint(x.shape.c);
    return apply_affine(g, x, {affine, affine, 2 * columns, columns, 0}, f);
}

tensor group_norm(graph& g, tensor const& x, int groups, tensor const& weight, tensor const& bias, float eps,
                  activation f) {
    return apply_affine(g, x, group_norm_affine(g, x, groups, weight, bias, eps), f);
}

tensor modulate(graph& g, tensor const& x, tensor const& scale, tensor const& shift) {
    assert(per_image(scale, x) && per_image(shift, x));
    return apply_affine(g, x, {scale, shift, uint(x.shape.c), 0, 1}, activation::none);
}

tensor layer_norm(graph& g, tensor const& x, layer_norm_options const& options) {
    return norm_rows(g, x, {true, options});
}

tensor rms_norm(graph& g, tensor const& x, tensor const& weight, float eps, std::optional<tensor> const& into) {
    return norm_rows(g, x, {false, {.weight = weight, .eps = eps}, into});
}

tensor softmax(graph& g, tensor const& x, float factor, float scale) {
    assert(factor > 0);
    tensor const y = g.temporary(x.shape, x.type);
    g.dispatch(kernel::softmax{.x = g.in(x),
                               .y = g.out(y),
                               .rows = rows_of(x),
                               .columns = uint(x.shape.c),
                               .factor = factor,
                               .scale = scale},
               subgroups(g, rows_of(x)), 16.0 * x.shape.c / g.target().subgroup,
               {uint(access_to(g, x.shape.c, {x.type})), uint(x.type)});
    return y;
}

tensor channel_means(graph& g, tensor const& x) {
    uint const rows = uint(x.shape.h * x.shape.w), columns = uint(x.shape.c);
    auto const [of, partial] = moments(g, x, rows, columns, false, choose_slab_rows(g, x, rows, columns));
    tensor const result = g.temporary({.n = x.shape.n, .c = x.shape.c});
    g.dispatch(kernel::channel_means{.partial = g.in(partial),
                                     .means = g.out(result),
                                     .images = of.images,
                                     .rows = of.rows,
                                     .columns = of.columns,
                                     .slabs = of.slabs,
                                     .slab_rows = of.slab_rows},
               launch::items(result.shape.count()), 8.0 * of.slabs);
    return result;
}

tensor statistics(graph& g, tensor const& x) {
    // An image as rows and columns of which there are enough for all lanes, if possible.
    shape const& s = x.shape;
    std::size_t const image = x.shape.count() / s.n;
    uint columns = uint(s.c);
    for (int side : {s.w, s.h})
        if (columns < 32) columns *= uint(side);
    uint const rows = uint(image / columns);
    auto const [of, partial] = moments(g, x, rows, columns, true, choose_slab_rows(g, x, rows, columns));
    tensor const result = g.temporary({.n = s.n, .c = 5});
    g.dispatch(kernel::statistics{.partial = g.in(partial),
                                  .result = g.out(result),
                                  .images = of.images,
                                  .rows = of.rows,
                                  .columns = of.columns,
                                  .slabs = of.slabs,
                                  .slab_rows = of.slab_rows},
               subgroups(g, s.n), 20.0 * of.slabs * columns / g.target().subgroup, {uint(access::strided)});
    return result;
}

} // namespace sfumato
