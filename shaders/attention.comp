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

#ifdef SOFTWARE
#include "attention_software.glsl"
#else
#include "attention_tile.glsl"
#endif
