#include "models/nets/migan.h"

#include "compute/ops_depthwise.h"

#include <cassert>
#include <format>
#include <map>

namespace sfumato {

namespace {

// A list of f32 as something else of as many numbers.
tensor list(scope const& w, std::string_view name, shape const& as) {
    tensor t = w.store.vector(w.g, w.name(name));
    assert(t.shape.count() == as.count());
    t.shape = as;
    return t;
}

tensor depthwise(scope const& w, tensor const& x, int kernel, depthwise_options o) {
    if (w.has("bias")) o.bias = w.store.vector(w.g, w.name("bias"));
    return depthwise_conv2d(w.g, x, list(w, "weight", {.w = kernel * kernel, .c = x.shape.c}), o);
}

// Blurred, twice as large.
tensor doubled(scope const& filter, tensor const& x, depthwise_options o = {}) {
    o.pad_before = 2;
    o.spread = true;
    return depthwise(filter, x, 4, o);
}

// SeparableConv2d, as what its part of the file has tells: noise, and a filter that halves or doubles. + `added`
tensor separable(scope const& w, tensor const& x, std::optional<tensor> const& added = {}) {
    tensor h = depthwise(w["conv1"], x, 3, {.activation = gained_leaky_relu{}});
    if (w["downsample.filter"].has("weight")) h = depthwise(w["downsample.filter"], h, 4, {.stride = 2});
    h = linear(w["conv2"], h);
    bool const doubles = w["upsample.filter"].has("weight");
    gained_leaky_relu after{.noise = {}, .residual = added};
    int const side = doubles ? 2 * h.shape.h : h.shape.h;
    if (w.has("noise")) after.noise = list(w, "noise", {.h = side, .w = side});
    return w.tap(doubles ? doubled(w["upsample.filter"], h, {.activation = after}) : activate(w.g, h, after));
}

// [n, side, side, 4]: whether it is known, ∓ ½; its colours in −1 … 1, 0 in the hole.
tensor with_mask_first(graph& g, tensor const& input) {
    tensor const hole = slice(g, input, 3, 1), colours = scale(g, slice(g, input, 0, 3), 2);
    return concat(g, scale(g, hole, -1, 0.5f), add(g, colours, scale(g, hole, 1, -1)));
}

} // namespace

tensor migan(scope const& w, migan_config const& c, tensor const& input) {
    graph& g = w.g;
    assert(input.shape.h == c.side && input.shape.w == c.side && input.shape.c == 4);
    auto const block = [&](char const* half, int side) { return w[std::format("{}.b{}", half, side)]; };

    tensor x = activate(g, linear(block("encoder", c.side)["fromrgb"], with_mask_first(g, input)), gained_leaky_relu{});
    std::map<int, tensor> seen;
    for (int side : c.blocks()) {
        scope const b = block("encoder", side);
        seen[side] = x = separable(b["conv1"], x);
        x = separable(b["conv2"], x);
    }
    std::optional<tensor> picture; // f32
    for (int side = c.blocks().back(); side <= c.side; side *= 2) {
        scope const b = block("synthesis", side);
        x = separable(b["conv1"], x, seen.at(side));
        x = separable(b["conv2"], x);
        if (picture) picture = doubled(b["upsample.filter"], *picture);
        picture = b["torgb"].tap(linear(b["torgb"], x, {.residual = picture, .type = dtype::f32}));
    }
    return scale(g, *picture, 0.5f, 0.5f);
}

} // namespace sfumato
