#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { patch_steps p; };

#include "proposals.glsl"

vec4 colour(int i) { return p.states.at[i] == hole ? p.votes.at[i] : p.pixels.at[i]; }

vec4 missing_step(ivec2 at, ivec2 by) {
    ivec2 to = at + by;
    if (to.x >= p.width || to.y >= p.height) return vec4(0);
    int i = at.y * p.width + at.x, next = by.y * p.width + by.x;
    uint here = p.states.at[i], there = p.states.at[i + next];
    if ((here != hole && there != hole) || here == blank || there == blank) return vec4(0);
    float base = least_cost(at, by);
    vec4 sum = vec4(0);
    float weights = 0.0;
    for (int v = by.y - radius; v <= radius; ++v)
        for (int u = by.x - radius; u <= radius; ++u) {
            uint match = match_at(at + ivec2(u, v));
            if (match == no_match) continue;
            ivec2 from = centre_of(match) - ivec2(u, v);
            int j = from.y * p.width + from.x;
            float weight = weight_of(i + v * p.width + u, base);
            sum += weight * (p.pixels.at[j + next] - p.pixels.at[j]);
            weights += weight;
        }
    if (weights == 0.0) return vec4(0);
    vec4 missing = sum / weights - (colour(i + next) - colour(i));
    return missing * exp(-dot(missing.rgb, missing.rgb) / (p.largest * p.largest));
}

void main() {
    ivec2 id = ivec2(gl_GlobalInvocationID.xy), at = ivec2(p.first_x, p.first_y) + id;
    if (id.x >= p.columns || id.y >= p.rows) return;
    int o = id.y * p.columns + id.x;
    p.across.at[o] = missing_step(at, ivec2(1, 0));
    p.down.at[o] = missing_step(at, ivec2(0, 1));
}
