#version 460
#include "common.glsl"
#include "activation.glsl"
#include "lanes.glsl"

// For software devices: one subgroup of eight lanes computes 6 rows × 16 columns at a time, sums in registers over all of
// k, lanes across columns. tests/bench/LOG.md, 2026-11-22, says why it looks like this.
layout(local_size_x = 8) in;
layout(constant_id = 0) const uint activation = 0u;
layout(constant_id = 1) const bool has_bias = false;
layout(constant_id = 2) const bool has_residual = false;
layout(push_constant, scalar) uniform block { linear p; };

const uint tile_rows = 6u, step = 16u; // step: of k in one round of the loop

struct sums {
    float left[tile_rows], right[tile_rows]; // columns 0…7 and 8…15
};

// Adds `count` (at most 4) products for each row and column.
void accumulate(inout sums s, vec4 x[tile_rows], quads weights, uint count) {
    [[unroll]] for (uint j = 0u; j < count; ++j) {
        float left = lane_of(weights.at[4u * j], weights.at[4u * j + 1u]);
        float right = lane_of(weights.at[4u * j + 2u], weights.at[4u * j + 3u]);
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) {
            s.left[r] = fma(x[r][j], left, s.left[r]);
            s.right[r] = fma(x[r][j], right, s.right[r]);
        }
    }
}

void store(uint row, uint column, float value) {
    if (column >= p.n) return;
    uint i = row * p.n + column;
    if (has_bias) value += p.bias.at[column];
    value = activate(activation, value);
    if (has_residual) value += p.residual.at[i];
    p.y.at[i] = value;
}

void main() {
    uint m = p.m, n = p.n, k = p.k;
    uint64_t x = uint64_t(p.x), panel = uint64_t(p.panels) + uint64_t(gl_WorkGroupID.x * k) * 64ul;
    uint end = min((gl_WorkGroupID.y + 1u) * p.rows, m);
    for (uint row = gl_WorkGroupID.y * p.rows; row < end; row += tile_rows) {
        uint start[tile_rows]; // of each row in x; rows beyond the end repeat the last
        sums s;
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) {
            start[r] = min(row + r, m - 1u) * k;
            s.left[r] = 0.0;
            s.right[r] = 0.0;
        }
        vec4 values[tile_rows];
        uint i = 0u;
        for (; i + step <= k; i += step)
            [[unroll]] for (uint u = 0u; u < step; u += 4u) {
                [[unroll]] for (uint r = 0u; r < tile_rows; ++r) values[r] = quads_at(x, start[r] + i + u).at[0];
                accumulate(s, values, quads_at(panel, (i + u) * 16u), 4u);
            }
        for (; i < k; ++i) {
            [[unroll]] for (uint r = 0u; r < tile_rows; ++r) values[r] = vec4(p.x.at[start[r] + i]);
            accumulate(s, values, quads_at(panel, i * 16u), 1u);
        }
        uint column = gl_WorkGroupID.x * 16u + gl_SubgroupInvocationID;
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r)
            if (row + r < end) {
                store(row + r, column, s.left[r]);
                store(row + r, column + 8u, s.right[r]);
            }
    }
}
