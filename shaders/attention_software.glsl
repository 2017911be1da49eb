// For software devices: one subgroup of eight lanes takes 16 queries, two for each lane, and goes through all keys. Queries lie
// across lanes, so that a score's exponential, its row's maximum and its row's sum are plain arithmetic; keys and values
// are the same for all lanes. tests/bench/LOG.md says why it looks like this.
// Scratch of a workgroup, each [..][16] floats, 16 for the queries: the scaled queries [d], weights [block_keys], sums [d].
#include "lanes.glsl"
#extension GL_KHR_shader_subgroup_vote : require

layout(local_size_x = 8) in;

layout(constant_id = 6) const uint block_keys = 512u; // a multiple of 16

const uint tile = 8u;  // keys of one round of scores, channels of one round of sums
const uint step = 16u; // channels or keys unrolled

// Two queries of a lane.
vec2 load_pair(uint64_t at) { return vec2(lane_of(quads(at).at[0], quads(at).at[1]), lane_of(quads(at).at[2], quads(at).at[3])); }
void store_pair(uint64_t at, vec2 x) {
    f32s(at).at[gl_SubgroupInvocationID] = x.x;
    f32s(at).at[8u + gl_SubgroupInvocationID] = x.y;
}

uint64_t bytes(uint count, uint type) { return uint64_t(count) * bytes_of(type); }

// The scaled queries into scratch.
void pack_queries(uint64_t to, uvec2 query, float factor) {
    [[dont_unroll]] for (uint c = 0u; c < d; c += 4u) {
        vec4 left = load4(p.q, q_type, query.x + c) * factor, right = load4(p.q, q_type, query.y + c) * factor;
        [[unroll]] for (uint j = 0u; j < 4u; ++j) store_pair(to + (c + j) * 64u, vec2(left[j], right[j]));
    }
}

struct pairs {
    float left[tile], right[tile];
};

// Adds the products of `count` channels at k[i] with the queries' at `q`.
void add_channels(inout pairs s, uint64_t q, uint64_t k[tile], uint count) {
    [[unroll]] for (uint c = 0u; c < count; c += 4u) {
        vec4 values[tile];
        [[unroll]] for (uint i = 0u; i < tile; ++i) values[i] = load4(k[i], k_type, c);
        [[unroll]] for (uint j = 0u; j < 4u; ++j) {
            vec2 x = load_pair(q + (c + j) * 64u);
            [[unroll]] for (uint i = 0u; i < tile; ++i) {
                s.left[i] = fma(values[i][j], x.x, s.left[i]);
                s.right[i] = fma(values[i][j], x.y, s.right[i]);
            }
        }
    }
}

pairs scores(uint64_t q, uint64_t k[tile]) {
    pairs s;
    [[unroll]] for (uint i = 0u; i < tile; ++i) s.left[i] = s.right[i] = 0.0;
    [[dont_unroll]] for (uint c = 0u; c + step <= d; c += step) {
        uint64_t from[tile];
        [[unroll]] for (uint i = 0u; i < tile; ++i) from[i] = k[i] + bytes(c, k_type);
        add_channels(s, q + c * 64u, from, step);
    }
    if (d % step != 0u) {
        uint c = d / step * step;
        uint64_t from[tile];
        [[unroll]] for (uint i = 0u; i < tile; ++i) from[i] = k[i] + bytes(c, k_type);
        add_channels(s, q + c * 64u, from, d % step);
    }
    return s;
}

// Adds the products of `count` values, `stride` bytes apart, eight channels of each, with the weights at `weights`.
void add_keys(inout pairs o, uint64_t weights, uint64_t v, uint64_t stride, uint count) {
    [[unroll]] for (uint i = 0u; i < count; ++i) {
        vec2 w = load_pair(weights + i * 64u);
        vec4 a = load4(v + i * stride, v_type, 0u), b = load4(v + i * stride, v_type, 4u);
        [[unroll]] for (uint j = 0u; j < 4u; ++j) {
            o.left[j] = fma(a[j], w.x, o.left[j]);
            o.right[j] = fma(a[j], w.y, o.right[j]);
            o.left[j + 4u] = fma(b[j], w.x, o.left[j + 4u]);
            o.right[j + 4u] = fma(b[j], w.y, o.right[j + 4u]);
        }
    }
}

void attend(uint item, uint64_t scratch) {
    uint queries = p.queries, keys = p.keys, row = p.heads * d;
    uint blocks = (queries + 15u) / 16u, first = item % blocks * 16u, head = item / blocks % p.heads, image = item / blocks / p.heads;
    uint lane = gl_SubgroupInvocationID;
    uvec2 number = uvec2(first + lane, first + 8u + lane);
    uvec2 query = (image * queries + min(number, uvec2(queries - 1u))) * row + head * d;
    uint64_t q = scratch, weights = q + d * 64u, sums = weights + block_keys * 64u;
    uint64_t k = p.k + bytes(image * keys * row + head * d, k_type), v = p.v + bytes(image * keys * row + head * d, v_type);
    uint64_t k_stride = bytes(row, k_type), v_stride = bytes(row, v_type);
    uint last = causal ? min(keys, first + 16u) : keys;

    pack_queries(q, query, p.scale * log2_e);
    vec2 top = vec2(lowest), total = vec2(0.0);
    for (uint key = 0u; key < last;) {
        // Weights of up to block_keys keys, or until a score is too large.
        vec2 factor = vec2(1.0);
        uint n = 0u;
        for (; n < block_keys && key + n < last; n += tile) {
            uint64_t from[tile];
            [[unroll]] for (uint i = 0u; i < tile; ++i) from[i] = k + min(key + n + i, last - 1u) * k_stride;
            pairs s = scores(q, from);
            vec2 high = vec2(lowest);
            [[unroll]] for (uint i = 0u; i < tile; ++i) {
                uint at = key + n + i;
                if (causal || i > 0u) {
                    s.left[i] = at >= last || (causal && at > number.x) ? lowest : s.left[i];
                    s.right[i] = at >= last || (causal && at > number.y) ? lowest : s.right[i];
                }
                high = max(high, vec2(s.left[i], s.right[i]));
            }
            if (subgroupAny(high.x > top.x + 60.0 || high.y > top.y + 60.0)) {
                if (n > 0u) break;
                vec2 higher = max(top, high);
                factor = exp2(top - higher);
                total *= factor;
                top = higher;
            }
            [[unroll]] for (uint i = 0u; i < tile; ++i) {
                vec2 w = exp2(vec2(s.left[i], s.right[i]) - top);
                total += w;
                store_pair(weights + (n + i) * 64u, w);
            }
        }
        // Sums of values with these weights.
        bool whole = key + n >= last;
        [[dont_unroll]] for (uint c = 0u; c < d; c += tile) {
            pairs o;
            [[unroll]] for (uint j = 0u; j < tile; ++j) {
                vec2 before = vec2(0.0);
                if (key > 0u) before = load_pair(sums + (c + j) * 64u) * factor;
                o.left[j] = before.x;
                o.right[j] = before.y;
            }
            uint i = 0u;
            uint64_t from = v + key * v_stride + bytes(c, v_type);
            [[dont_unroll]] for (; i + step <= n && key + i + step <= last; i += step) add_keys(o, weights + i * 64u, from + i * v_stride, v_stride, step);
            [[dont_unroll]] for (; i < n && key + i < last; ++i) add_keys(o, weights + i * 64u, from + i * v_stride, v_stride, 1u);
            if (whole) {
                vec2 by = 1.0 / total;
                [[unroll]] for (uint j = 0u; j < tile; j += 4u) {
                    if (number.x < queries)
                        store4(p.y, q_type, query.x + c + j, vec4(o.left[j], o.left[j + 1u], o.left[j + 2u], o.left[j + 3u]) * by.x);
                    if (number.y < queries)
                        store4(p.y, q_type, query.y + c + j, vec4(o.right[j], o.right[j + 1u], o.right[j + 2u], o.right[j + 3u]) * by.y);
                }
            } else {
                [[unroll]] for (uint j = 0u; j < tile; ++j) store_pair(sums + (c + j) * 64u, vec2(o.left[j], o.right[j]));
            }
        }
        key += n;
    }
}

void main() {
    uint64_t scratch = uint64_t(p.scratch) + gl_WorkGroupID.x * ((2u * d + block_keys) * 64u);
    for (uint item = p.first + gl_WorkGroupID.x; item < p.end; item += gl_NumWorkGroups.x) attend(item, scratch);
}
