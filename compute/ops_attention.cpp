// Flash attention.
#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

using kernel::uint;

uint up(uint value, uint multiple) { return (value + multiple - 1) / multiple * multiple; }

constexpr uint absent = 255; // shaders/attention.comp

struct operands {
    tensor q, k, v;
    attention_options const& options;
    tensor y;

    uint heads() const { return uint(options.heads); }
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
    a.heads = o.heads(), a.queries = o.q.shape.w, a.keys = o.k.shape.w;
    a.scale = o.options.scale.value_or(1 / std::sqrt(float(o.d())));
    if (auto const& b = o.options.bias) {
        a.bias = g.in(*b);
        a.bias_head = b->shape.h > 1 ? a.queries * a.keys : 0;
        a.bias_image = b->shape.n > 1 ? a.queries * a.keys * b->shape.h : 0;
    }
    return a;
}

// 0 … 5, of shaders/attention.comp.
std::vector<uint> constants(operands const& o) {
    return {uint(o.q.type), uint(o.k.type), uint(o.v.type), o.options.bias ? uint(o.options.bias->type) : absent,
            o.d(),          o.options.causal};
}

void attend_software(graph& g, operands const& o) {
    constexpr uint block_queries = 16, groups = 64;
    uint const items = up(o.q.shape.w, block_queries) / block_queries * o.heads() * o.q.shape.n;
    uint const block_keys = std::min(512u, up(o.k.shape.w, 16));
    tensor const scratch = g.temporary({.n = int(groups), .h = int(2 * o.d() + block_keys), .c = block_queries});
    auto all = constants(o);
    all.push_back(block_keys);
    kernel::attention a = parameters(g, o);
    a.scratch = g.out(scratch);
    a.first = 0, a.end = items;
    g.dispatch(a, launch::groups(std::min(items, groups)), 4.0 * o.k.shape.w * o.d() * 2 * items / groups, all, kernel_variant::software);
}

} // namespace

tensor attention(graph& g, tensor const& q, tensor const& k, tensor const& v, attention_options const& options) {
    operands const o{q, k, v, options, g.temporary(q.shape, q.type)};
    check(o);
    attend_software(g, o);
    return o.y;
}

} // namespace sfumato
