// For software devices: one subgroup of eight lanes computes 6 rows × 16 columns at a time, sums in registers over all of
// the inner dimension, lanes across columns. tests/bench/LOG.md, 2026-11-22 and 2026-11-24, says why it looks like this. Such a
// device runs the body of a for or while once more with no lane active, and that of an if in any case, loads included: these reach
// at most 2 KiB behind a panel or a row, where an arena always has memory (compute/memory.h).
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "lanes.glsl"
#extension GL_KHR_shader_subgroup_shuffle : require

layout(local_size_x = 8) in;
layout(constant_id = 24) const bool whole = false; // channels are multiples of `step`
layout(constant_id = 25) const uint step = 32u;    // of k in one round
layout(constant_id = 26) const uint few = 0u;      // channels where there are 1 … 3 and no second input

const uint tile_rows = 6u;

// The columns of a lane: those of its pair, but of f16 panels lane and lane + 8.
struct sums {
    float left[tile_rows], right[tile_rows];
};

// The word that is this lane's, of eight at an address that is the same in all lanes.
uint lane_word(uint64_t address) {
    return floatBitsToUint(lane_of(quads(address).at[0], quads(address).at[1]));
}

// The half, likewise.
float lane_half(uint64_t address) {
    f16vec4 a = f16quads(address).at[0], b = f16quads(address).at[1];
    float16_t x01 = lane_bit0 ? a.y : a.x, x23 = lane_bit0 ? a.w : a.z, x45 = lane_bit0 ? b.y : b.x,
              x67 = lane_bit0 ? b.w : b.z;
    float16_t low = lane_bit1 ? x23 : x01, high = lane_bit1 ? x67 : x45;
    return float(lane_bit2 ? high : low);
}

// Adds the products of `count` (1 or 4) rows of a panel, the first of them row `k` and that at `panel`.
void accumulate(inout sums s, vec4 x[tile_rows], uint64_t panel, uint64_t block, uint k, uint count) {
    vec2 scale = vec2(1.0);
    uint word = 0u;
    if (weight_format >= format_q8_0) scale = unpackHalf2x16(lane_word(block));
    [[unroll]] for (uint j = 0u; j < count; ++j) {
        vec2 w;
        if (weight_format == format_f32)
            w = vec2(lane_of(quads(panel).at[4u * j], quads(panel).at[4u * j + 1u]),
                     lane_of(quads(panel).at[4u * j + 2u], quads(panel).at[4u * j + 3u]));
        else if (weight_format == format_f16)
            w = vec2(lane_half(panel + uint64_t(j * 32u)), lane_half(panel + uint64_t(j * 32u + 16u)));
        else if (weight_format == format_q8_0) {
            if (j % 2u == 0u) word = lane_word(block + 32ul + uint64_t((k % 32u + j) / 2u * 32u));
            w = q8_0_pair(word, j % 2u) * scale;
        } else if (weight_format == format_q4_0) {
            if (j == 0u) word = lane_word(block + 32ul + uint64_t(k % 32u / 4u * 32u));
            w = q4_0_pair(word, j) * scale;
        } else
            w = pair_of(weight_format, lane_word(panel + uint64_t(j * 32u)));
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) {
            s.left[r] = fma(x[r][j], w.x, s.left[r]);
            s.right[r] = fma(x[r][j], w.y, s.right[r]);
        }
    }
}

// Keeps LLVM from moving arithmetic of one part of a round into another (it would take row after row, with hundreds of spills):
// a branch that is never taken and reads every sum. Software drivers make a branch of an if only where its body has eight
// instructions or more. Bit `n` of a number that is 0, which no compiler knows; another bit each time, or one test would do.
void hold(sums s, uint n) {
    [[dont_flatten]] if ((p.group_rows >> 8 & (1u << n)) != 0u)
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) store_lane_pair(p.y + uint64_t(r * 64u), vec2(s.left[r], s.right[r]));
}

const uint hold_every = 8u; // rows of k

// One tap: `channels` products for each row's inputs at x[r]. `panel`: of the first.
void accumulate_inputs(inout sums s, elements x[tile_rows], uint64_t panel, uint channels) {
    vec4 values[tile_rows];
    if (few > 0u) {
        [[unroll]] for (uint u = 0u; u < few; ++u) {
            [[unroll]] for (uint r = 0u; r < tile_rows; ++r) values[r] = vec4(load(x[r], x_type, u));
            accumulate(s, values, panel + panel_bytes(weight_format, u), 0ul, u, 1u);
        }
        return;
    }
    uint i = 0u;
    if (whole || channels >= step) do {
        [[unroll]] for (uint u = 0u; u < step; u += 4u) {
            [[unroll]] for (uint r = 0u; r < tile_rows; ++r) values[r] = load4(x[r], x_type, i + u);
            accumulate(s, values, panel + panel_bytes(weight_format, i + u), panel + panel_bytes(weight_format, (i + u) / 32u * 32u),
                       i + u, 4u);
            if ((u + 4u) % hold_every == 0u) hold(s, u / hold_every);
        }
        i += step;
    } while (i + step <= channels);
    if (whole || weight_format >= format_q8_0) return; // whole blocks
    for (; i + 4u <= channels; i += 4u) {
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) values[r] = load4(x[r], x_type, i);
        accumulate(s, values, panel + panel_bytes(weight_format, i), 0ul, i, 4u);
    }
    for (; i < channels; ++i) {
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) values[r] = vec4(load(x[r], x_type, i));
        accumulate(s, values, panel + panel_bytes(weight_format, i), 0ul, i, 1u);
    }
}

// The sums of a lane's pair of columns.
vec2 pair_of_sums(float left, float right) {
    if (weight_format != format_f16) return vec2(left, right);
    uint first = 2u * gl_SubgroupInvocationID % 8u;
    vec2 below = vec2(subgroupShuffle(left, first), subgroupShuffle(left, first + 1u));
    vec2 above = vec2(subgroupShuffle(right, first), subgroupShuffle(right, first + 1u));
    return lane_bit2 ? above : below;
}

// Of a lane's pair of columns.
struct column_terms {
    vec2 bias, slopes;
};

column_terms terms_of(uint pair) {
    uint left = min(2u * pair, p.columns - 1u), right = min(2u * pair + 1u, p.columns - 1u);
    return column_terms(vec2(bias_of(left), bias_of(right)), vec2(slope_of(left), slope_of(right)));
}

// As store_pair() of epilogue.glsl, for a whole panel of fp32 at once.
void store_pairs(vec2 sums, column_terms t, uint image, uint to_row, uint panel) {
    uint pair = panel * 8u + gl_SubgroupInvocationID, columns = p.columns;
    bool plain = y_type == f32 && !geglu && (residual_type == absent || residual_type == f32);
    if (!plain || panel * 16u + 16u > columns) {
        store_pair(sums, image, to_row, pair);
        return;
    }
    vec2 y = vec2(finish(sums.x, t.bias.x, t.slopes.x, image, 2u * pair),
                  finish(sums.y, t.bias.y, t.slopes.y, image, 2u * pair + 1u));
    if (residual_type == f32)
        y += lane_pair(p.residual + uint64_t(to_row * pitch_of(residual_pitch) + panel * 16u) * 4ul);
    store_lane_pair(p.y + uint64_t(to_row * pitch_of(y_pitch) + panel * 16u) * 4ul, y);
}

void main() {
    uint c1 = p.c1, c2 = p.c2, k = kernel_h * kernel_w * (c1 + c2), rows = p.rows;
    uint64_t x = p.x, second = p.second, pixel1 = uint64_t(x_pitch != 0u ? x_pitch : c1) * bytes_of(x_type),
             pixel2 = uint64_t(c2) * bytes_of(x_type);
    uint64_t panels = uint64_t(p.panels), size = uint64_t(panel_bytes(weight_format, k));
    uint64_t zeros = panels + p.panel_count * size;
    column_terms terms = terms_of(gl_WorkGroupID.x * 8u + gl_SubgroupInvocationID);
    uint row = gl_WorkGroupID.y * p.group_rows, end = min(row + p.group_rows, rows);
    do {
        pixel at[tile_rows]; // rows beyond the end repeat the last
        sums s;
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) {
            at[r] = pixel_of(min(row + r, rows - 1u));
            s.left[r] = 0.0;
            s.right[r] = 0.0;
        }
        uint64_t panel = panels + gl_WorkGroupID.x * size;
        uint ty = 0u;
        do {
            uint tx = 0u;
            do {
                int source[tile_rows];
                [[unroll]] for (uint r = 0u; r < tile_rows; ++r)
                    source[r] = source_of(min(row + r, rows - 1u), at[r], int(ty), int(tx));
                uint part = 0u;
                do {
                    bool first = !has_second || part == 0u;
                    uint64_t from[tile_rows];
                    [[unroll]] for (uint r = 0u; r < tile_rows; ++r)
                        from[r] = source[r] < 0 ? zeros : (first ? x : second) + uint64_t(source[r]) * (first ? pixel1 : pixel2);
                    accumulate_inputs(s, from, panel, first ? c1 : c2);
                    panel += uint64_t(panel_bytes(weight_format, first ? c1 : c2));
                } while (has_second && ++part < 2u);
            } while (++tx < kernel_w);
        } while (++ty < kernel_h);
        [[unroll]] for (uint r = 0u; r < tile_rows; ++r) {
            vec2 sums = pair_of_sums(s.left[r], s.right[r]);
            if (row + r < end) store_pairs(sums, terms, at[r].image, result_row(row + r, at[r]), gl_WorkGroupID.x);
        }
        row += tile_rows;
    } while (row < end);
}
