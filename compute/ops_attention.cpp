// Flash attention.
#include "compute/gemm_block.h"
#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

using kernel::uint;

uint parts(uint count, uint size) { return (count + size - 1) / size; }
uint up(uint count, uint multiple) { return parts(count, multiple) * multiple; }

constexpr uint absent = 255; // shaders/attention.comp

struct operands {
    tensor q, k, v;
    attention_options const& options;
    tensor y;

    uint images() const { return q.shape.n; }
    uint heads() const { return options.heads; }
    uint queries() const { return q.shape.w; }
    uint keys() const { return k.shape.w; }
    uint d() const { return uint(q.shape.c) / heads(); }
};

void check(operands const& o) {
    [[maybe_unused]] auto const &q = o.q.shape, &k = o.k.shape;
    assert(q.h == 1 && k.h == 1 && k == o.v.shape && k.n == q.n && k.c == q.c);
    assert(o.options.heads > 0 && q.c % o.options.heads == 0 && o.d() % 8 == 0);
    if (auto const& b = o.options.bias) {
        assert(b->shape.n == 1 || b->shape.n == q.n);
        assert(b->shape.h == 1 || b->shape.h == o.options.heads);
        assert(b->shape.w == q.w && b->shape.c == k.w);
    }
}

kernel::attention parameters(graph& g, operands const& o) {
    kernel::attention a{.q = g.in(o.q), .k = g.in(o.k), .v = g.in(o.v), .bias = {}, .y = g.out(o.y), .scratch = {}};
    a.heads = o.heads(), a.queries = o.queries(), a.keys = o.keys();
    if (auto const& b = o.options.bias) {
        a.bias = g.in(*b);
        a.bias_head = b->shape.h > 1 ? a.queries * a.keys : 0;
        a.bias_image = b->shape.n > 1 ? a.queries * a.keys * b->shape.h : 0;
    }
    float const scale = o.options.scale.value_or(1 / std::sqrt(float(o.d())));
    a.query_scale = std::exp2(float(std::ilogb(scale)));
    a.score_scale = scale / a.query_scale * float(M_LOG2E);
    return a;
}

// 0 … 6, of shaders/attention.comp.
std::vector<uint> constants(operands const& o, uint block_keys) {
    return {uint(o.q.type), uint(o.k.type),   uint(o.v.type), o.options.bias ? uint(o.options.bias->type) : absent,
            o.d(),          o.options.causal, block_keys};
}

// Blocks of queries, of all heads and images.
uint items(operands const& o, uint block_queries) { return parts(o.queries(), block_queries) * o.heads() * o.images(); }

double operations_of_item(operands const& o, uint block_queries) {
    return (4.0 * o.d() + 30) * block_queries * o.keys(); // 30: exp and what comes with it
}

// Several dispatches where there is much to do, so that none takes long: workgroups go through blocks one after the
// other, since each has scratch of its own, and there are not many.
void attend_software(graph& g, operands const& o) {
    constexpr uint block_queries = 16, block_keys = 512, most_groups = 64;
    constexpr double most_operations = 1e10;
    tensor const scratch = g.temporary({.n = int(most_groups), .h = int(2 * o.d() + block_keys), .c = block_queries});
    uint const all = items(o, block_queries);
    double const operations = operations_of_item(o, block_queries);
    uint const each = uint(std::clamp(most_operations / operations, 1.0, double(all)));
    for (uint first = 0; first < all; first += each) {
        uint const end = std::min(first + each, all), groups = std::min(end - first, most_groups);
        kernel::attention a = parameters(g, o);
        a.scratch = g.out(scratch);
        a.first = first, a.end = end;
        g.dispatch(a, launch::groups(groups), operations * (end - first) / groups / 8, constants(o, block_keys),
                   kernel_variant::software);
    }
}

constexpr uint invocations = 128; // of a workgroup of shaders/attention_tile.glsl

struct block {
    uint queries = 0, keys = 32;
    uint chunk = 0, chunks = 0; // of channels
    uint fragments = 0;         // cooperative: of rows, of each subgroup
};

uint scalar_bytes(block const& b) {
    return ((b.queries + b.keys) * (b.chunk / 4 + 1) + b.queries * (b.keys / 4 + 1)) * 16 +
           (invocations + b.queries) * 4;
}

uint cooperative_bytes(block const& b) {
    return b.keys * (b.chunk / 4 + 2) * 8 + b.queries * ((b.keys + 4) * 4 + (b.keys + 8) * 2) + invocations * 4 + 4;
}

// As few chunks of channels, multiples of `unit`, as shared memory has room for. False: it has not for any.
template <class Bytes> bool choose_chunk(block& b, uint d, uint unit, uint most_bytes, Bytes const& bytes) {
    for (b.chunks = 1;; ++b.chunks) {
        b.chunk = up(parts(d, b.chunks), unit);
        if (bytes(b) <= most_bytes) return true;
        if (b.chunk == unit) return false;
    }
}

constexpr uint most_shared_bytes = 32768; // more leaves a GPU too few workgroups at a time

// Sums take queries · d / invocations registers of each invocation.
block choose_scalar(target const& t, operands const& o) {
    block b{.queries = o.d() <= 80 ? 64u : o.d() <= 160 ? 32u : 16u};
    while (b.queries > 16 && b.queries / 2 >= o.queries()) b.queries /= 2;
    while (!choose_chunk(b, o.d(), 16, std::min(most_shared_bytes, t.shared_bytes), scalar_bytes)) b.queries /= 2;
    assert(b.queries >= 16 && "every device has shared memory for the smallest block");
    return b;
}

// None (queries = 0) where sums would not fit into registers, or tiles not into shared memory.
block choose_cooperative(target const& t, operands const& o) {
    auto const& f = t.fragment;
    uint const subgroups = f.workgroup_scope ? 1 : std::max(1u, invocations / t.subgroup), unit = std::max(f.n, f.k);
    block b{.queries = 64, .keys = std::max({32u, f.m, f.n, f.k})};
    while (b.queries > f.m && b.queries / 2 >= o.queries()) b.queries /= 2;
    b.fragments = std::max(1u, b.queries / f.m / subgroups);
    uint const most_bytes = f.workgroup_scope ? t.shared_bytes : std::min(most_shared_bytes, t.shared_bytes);
    if (o.d() > 160 || !choose_chunk(b, o.d(), unit, most_bytes, cooperative_bytes)) return {};
    return b;
}

// One large head, as an autoencoder has it: too large for the sums of a block of queries to stay in registers, and
// large enough for plain products, some queries at a time, with the scores between them in memory.
void attend_by_products(graph& g, operands const& o) {
    constexpr int most_scores = 1 << 24;
    // Weights of fp16: small ones keep their digits so.
    constexpr float scale = 1024;
    packed_weights const keys = pack_linear(g, o.k, weight_format::f16),
                         values = pack_linear_transposed(g, o.v, weight_format::f16);
    int const queries = int(o.queries()), each = std::max(256, most_scores / int(o.keys()) / 256 * 256);
    for (int first = 0; first < queries; first += each) {
        int const count = std::min(each, queries - first);
        tensor const scores = linear(g, o.q.tokens(first, count), keys, {.type = dtype::f32}),
                     weights = softmax(g, scores, o.options.scale.value_or(1 / std::sqrt(float(o.d()))), scale);
        linear(g, weights, values,
               {.activation = activation::scaled,
                .slope = 1 / scale,
                .into = channels_from{.whole = o.y.tokens(first, count)}});
    }
}

void attend_tiled(graph& g, operands const& o) {
    target const& t = g.target();
    block b = t.matrix == matrix_path::scalar ? block{} : choose_cooperative(t, o);
    bool const cooperative = b.queries > 0;
    bool const one = o.heads() == 1 && o.images() == 1 && !o.options.bias && !o.options.causal;
    if (t.matrix != matrix_path::scalar && !cooperative && one) return attend_by_products(g, o);
    if (!cooperative) b = choose_scalar(t, o);
    auto all = constants(o, b.keys);
    all.insert(all.end(), {b.queries, b.chunk, b.chunks, t.rolled});
    if (cooperative)
        all.insert(all.end(),
                   {t.fragment.m, t.fragment.n, t.fragment.k, t.fragment.workgroup_scope ? 2u : 3u, b.fragments});
    kernel::attention a = parameters(g, o);
    a.first = 0, a.end = items(o, b.queries);
    double const operations = operations_of_item(o, b.queries);
    uint const line = length_of_line(a.end, operations);
    g.dispatch(a, launch::groups(line, parts(a.end, line)), operations / invocations, all,
               cooperative ? kernel_variant::cooperative : kernel_variant::scalar);
}

// Heads of d channels with zeros behind them: products do not change.
tensor pad_heads(graph& g, tensor t, int heads, int d, int to) {
    t.shape = {.n = t.shape.n, .h = t.shape.w, .w = heads, .c = d};
    while (t.shape.c < to) t = concat(g, t, scale(g, slice(g, t, 0, std::min(to - t.shape.c, d)), 0));
    t.shape = {.n = t.shape.n, .w = t.shape.h, .c = heads * to};
    return t;
}

// Small networks have heads of 4 channels; kernels take multiples of 8.
tensor attend_padded(graph& g, tensor const& q, tensor const& k, tensor const& v, attention_options options) {
    int const heads = options.heads, d = q.shape.c / heads, to = int(up(d, 8));
    options.scale = options.scale.value_or(1 / std::sqrt(float(d)));
    auto const padded = [&](tensor const& t) { return pad_heads(g, t, heads, d, to); };
    tensor y = attention(g, padded(q), padded(k), padded(v), options);
    y.shape = {.n = y.shape.n, .h = y.shape.w, .w = heads, .c = to};
    y = slice(g, y, 0, d);
    y.shape = q.shape;
    return y;
}

} // namespace

tensor attention(graph& g, tensor const& q, tensor const& k, tensor const& v, attention_options const& options) {
    if (options.heads > 0 && q.shape.c / options.heads % 8 != 0) return attend_padded(g, q, k, v, options);
    operands const o{q, k, v, options, g.temporary(q.shape, q.type)};
    check(o);
    if (g.target().matrix == matrix_path::software)
        attend_software(g, o);
    else
        attend_tiled(g, o);
    return o.y;
}

} // namespace sfumato
