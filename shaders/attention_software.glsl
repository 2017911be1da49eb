// For software devices: one subgroup of eight lanes takes 16 queries, two for each lane, and goes through all keys. Queries lie
// across lanes, so that a score's exponential, its row's maximum and its row's sum are plain arithmetic; keys and values
// are the same for all lanes.
// Scratch of a workgroup, each [..][16] floats, 16 for the queries: the scaled queries [d], weights [block_keys], sums [d].
#include "lanes.glsl"
#extension GL_KHR_shader_subgroup_vote : require

layout(local_size_x = 8) in;

const uint block_queries = 16u;
const uint tile = 8u;      // keys of one round of scores, channels of one round of sums
const uint step = 16u;     // channels or keys unrolled
const uint line = 64u;     // bytes of 16 floats
const float margin = 60.0; // how much larger than `top` a score may be: weights up to 2⁶⁰ fit fp32

// Two queries of a lane.
vec2 load_pair(uint64_t at) {
    return vec2(lane_of(quads(at).at[0], quads(at).at[1]), lane_of(quads(at).at[2], quads(at).at[3]));
}
void store_pair(uint64_t at, vec2 x) {
    f32s(at).at[gl_SubgroupInvocationID] = x.x;
    f32s(at).at[8u + gl_SubgroupInvocationID] = x.y;
}

uint64_t bytes(uint count, uint type) { return uint64_t(count) * bytes_of(type); }

void pack_queries(uint64_t to, uvec2 query) {
    float factor = p.query_scale * p.score_scale;
    [[dont_unroll]] for (uint c = 0u; c < d; c += 4u) {
        vec4 left = load4(p.q, q_type, query.x + c) * factor, right = load4(p.q, q_type, query.y + c) * factor;
        [[unroll]] for (uint j = 0u; j < 4u; ++j) store_pair(to + (c + j) * line, vec2(left[j], right[j]));
    }
}

struct pairs {
    float left[tile], right[tile];
};

// ---- Scores

// Adds the products of `count` channels of each k[i] with the queries' at `q`.
void add_channels(inout pairs s, uint64_t q, uint64_t k[tile], uint count) {
    [[unroll]] for (uint c = 0u; c < count; c += 4u) {
        vec4 values[tile];
        [[unroll]] for (uint i = 0u; i < tile; ++i) values[i] = load4(k[i], k_type, c);
        [[unroll]] for (uint j = 0u; j < 4u; ++j) {
            vec2 x = load_pair(q + (c + j) * line);
            [[unroll]] for (uint i = 0u; i < tile; ++i) {
                s.left[i] = fma(values[i][j], x.x, s.left[i]);
                s.right[i] = fma(values[i][j], x.y, s.right[i]);
            }
        }
    }
}

pairs products(uint64_t q, uint64_t k[tile]) {
    pairs s;
    [[unroll]] for (uint i = 0u; i < tile; ++i) s.left[i] = s.right[i] = 0.0;
    uint64_t from[tile];
    [[dont_unroll]] for (uint c = 0u; c + step <= d; c += step) {
        uint at = min(c, max(d, step) - step); // see main()
        [[unroll]] for (uint i = 0u; i < tile; ++i) from[i] = k[i] + bytes(at, k_type);
        add_channels(s, q + at * line, from, step);
    }
    if (d % step != 0u) {
        uint c = d - d % step;
        [[unroll]] for (uint i = 0u; i < tile; ++i) from[i] = k[i] + bytes(c, k_type);
        add_channels(s, q + c * line, from, d % step);
    }
    return s;
}

// Of keys `key` … `key + tile − 1`; k: the head's first.
pairs scores(place at, uvec2 query, uint64_t q, uint64_t k, uint64_t stride, uint key) {
    uint64_t from[tile];
    [[unroll]] for (uint i = 0u; i < tile; ++i) from[i] = k + min(key + i, at.last - 1u) * stride;
    pairs s = products(q, from);
    [[unroll]] for (uint i = 0u; i < tile; ++i) {
        s.left[i] = score(s.left[i], at, query.x, key + i);
        s.right[i] = score(s.right[i], at, query.y, key + i);
    }
    return s;
}

// ---- Sums

// Adds `count` values times their weights; eight channels of each. Values beyond number `last` are read there.
void add_values(inout pairs o, uint64_t weights, uint64_t v, uint64_t stride, uint count, uint last) {
    [[unroll]] for (uint i = 0u; i < count; ++i) {
        vec2 w = load_pair(weights + i * line);
        uint64_t from = v + min(i, last) * stride;
        vec4 low = load4(from, v_type, 0u), high = load4(from, v_type, 4u);
        [[unroll]] for (uint j = 0u; j < 4u; ++j) {
            o.left[j] = fma(low[j], w.x, o.left[j]);
            o.right[j] = fma(low[j], w.y, o.right[j]);
            o.left[j + 4u] = fma(high[j], w.x, o.left[j + 4u]);
            o.right[j + 4u] = fma(high[j], w.y, o.right[j + 4u]);
        }
    }
}

// `n` values, the first at `v`; there are weights up to the next multiple of `tile`, 0 for what is beyond the end.
void sum_values(inout pairs o, uint64_t weights, uint64_t v, uint64_t stride, uint n) {
    uint i = 0u, most = n / step * step;
    uint64_t whole_stride = most == 0u ? 0ul : stride; // see main() on what loops read
    [[dont_unroll]] for (; i < most; i += step) {
        uint first = min(i, max(most, step) - step);
        add_values(o, weights + first * line, v + first * whole_stride, whole_stride, step, step);
    }
    [[dont_unroll]] for (; i < n; i += tile) {
        uint first = min(i, n - 1u);
        add_values(o, weights + first * line, v + first * stride, stride, tile, n - 1u - first);
    }
}

void store_channels(uint i, float o[tile], float factor) {
    store4(p.y, q_type, i, vec4(o[0], o[1], o[2], o[3]) * factor);
    store4(p.y, q_type, i + 4u, vec4(o[4], o[5], o[6], o[7]) * factor);
}

void attend(uint item, uint64_t scratch) {
    place at = place_of(item, block_queries);
    uint queries = p.queries, keys = p.keys, row = p.heads * d, last = at.last;
    uvec2 query = at.query + gl_SubgroupInvocationID + uvec2(0u, 8u); // those beyond the end repeat the last
    uvec2 first_channel = (at.image * queries + min(query, uvec2(queries - 1u))) * row + at.head * d;
    uint first_key = at.image * keys * row + at.head * d;
    uint64_t k = p.k + bytes(first_key, k_type), v = p.v + bytes(first_key, v_type);
    uint64_t k_stride = bytes(row, k_type), v_stride = bytes(row, v_type);
    uint64_t q = scratch, weights = q + d * line, sums = weights + block_keys * line;

    pack_queries(q, first_channel);
    vec2 top = vec2(lowest), total = vec2(0.0);
    for (uint key = 0u; key < last;) {
        // Weights of block_keys keys, or of as many until there is a score that asks for a new top.
        vec2 factor = vec2(1.0);
        uint n = 0u;
        for (; n < block_keys && key + n < last; n += tile) {
            pairs s = scores(at, query, q, k, k_stride, key + n);
            vec2 high = vec2(lowest);
            [[unroll]] for (uint i = 0u; i < tile; ++i) high = max(high, vec2(s.left[i], s.right[i]));
            if (subgroupAny(any(greaterThan(high, top + margin)))) {
                if (n > 0u) break;
                vec2 higher = max(top, high);
                factor = exp2(top - higher);
                total *= factor;
                top = higher;
            }
            [[unroll]] for (uint i = 0u; i < tile; ++i) {
                vec2 w = exp2(vec2(s.left[i], s.right[i]) - top);
                total += w;
                store_pair(weights + (n + i) * line, w);
            }
        }
        bool whole = key + n >= last;
        uint here = min(key, last - 1u); // see main() on what loops read
        n = clamp(n, 1u, last - here);
        [[dont_unroll]] for (uint c = 0u; c < d; c += tile) {
            pairs o;
            [[unroll]] for (uint j = 0u; j < tile; ++j) {
                vec2 before = vec2(0.0);
                if (key > 0u) before = load_pair(sums + (c + j) * line) * factor;
                o.left[j] = before.x;
                o.right[j] = before.y;
            }
            sum_values(o, weights, v + here * v_stride + bytes(c, v_type), v_stride, n);
            if (whole) {
                if (query.x < queries) store_channels(first_channel.x + c, o.left, 1.0 / total.x);
                if (query.y < queries) store_channels(first_channel.y + c, o.right, 1.0 / total.y);
            } else
                [[unroll]] for (uint j = 0u; j < tile; ++j) store_pair(sums + (c + j) * line, vec2(o.left[j], o.right[j]));
        }
        key += n;
    }
}

// A software device goes through a loop's body once more than it should, with no lane active; loads from an address that is the
// same in all lanes happen even then, and it must be one that is there.
void main() {
    uint64_t scratch = uint64_t(p.scratch) + gl_WorkGroupID.x * ((2u * d + block_keys) * line);
    for (uint item = p.first + gl_WorkGroupID.x; item < p.end; item += gl_NumWorkGroups.x)
        attend(min(item, p.end - 1u), scratch);
}
