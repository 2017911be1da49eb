// Flash attention (Dao et al. 2022, 2023): keys are taken block by block, and what was summed so far is scaled down whenever a
// score is much larger than those before it. Scores are in units of log 2, so that exp2 serves.
#version 460
#include "common.glsl"

layout(push_constant, scalar) uniform block { attention p; };

layout(constant_id = 0) const uint q_type = 0u; // of y, too
layout(constant_id = 1) const uint k_type = 0u;
layout(constant_id = 2) const uint v_type = 0u;
layout(constant_id = 3) const uint bias_type = 255u; // 255: none
layout(constant_id = 4) const uint d = 64u;          // channels of a head
layout(constant_id = 5) const bool causal = false;   // query i sees keys 0 … i

const bool has_bias = bias_type != 255u;
const float log2_e = 1.4426950408889634;
const float lowest = -1e38; // a score of what must not be seen: less than any other, and finite
layout(constant_id = 6) const uint block_keys = 32u; // taken at once

// A head of an image, and the first query of a block there.
struct place {
    uint image, head, query;
    uint last; // keys that any of the block's queries sees
};

place place_of(uint item, uint block_queries) {
    uint blocks = (p.queries + block_queries - 1u) / block_queries, first = item % blocks * block_queries;
    return place(item / blocks / p.heads, item / blocks % p.heads, first, causal ? min(p.keys, first + block_queries) : p.keys);
}

// A score for exp2, from the product of the scaled query and the key.
float score(float product, place at, uint query, uint key) {
    if (key >= at.last || (causal && key > query)) return lowest;
    if (!has_bias) return product;
    uint i = at.image * p.bias_image + at.head * p.bias_head + min(query, p.queries - 1u) * p.keys + key;
    return max(product + load(p.bias, bias_type, i) * log2_e, lowest);
}

#ifdef SOFTWARE
#include "attention_software.glsl"
#else
#include "attention_tile.glsl"
#endif
