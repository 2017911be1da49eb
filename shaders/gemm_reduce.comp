#version 460
#include "common.glsl"
#include "activation.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { gemm_reduce p; };

#include "epilogue.glsl"

void main() {
    uint pairs = p.panel_count * 8u, id = flat_id(), row = id / pairs, pair = id % pairs;
    if (row >= p.rows) return;
    vec2 sums = vec2(0.0);
    for (uint s = 0u; s < p.splits; ++s) {
        uint i = ((s * p.rows + row) * pairs + pair) * 2u;
        sums += vec2(p.partial.at[i], p.partial.at[i + 1u]);
    }
    store_pair(sums, row / p.image_rows, row, pair);
}
