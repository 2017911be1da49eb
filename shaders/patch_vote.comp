#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { patch_vote p; };

#include "proposals.glsl"

void main() {
    ivec2 at = ivec2(p.left, p.top) + ivec2(gl_GlobalInvocationID.xy);
    if (at.x >= p.right || at.y >= p.bottom) return;
    int i = at.y * p.width + at.x;
    uint state = p.states.at[i];
    if (state == blank || (state == known && p.known_too == 0u)) return;
    float base = p.relative != 0u ? least_cost(at, ivec2(0)) : 0.0;
    vec4 sum = vec4(0);
    float weights = 0.0;
    for (int v = -radius; v <= radius; ++v)
        for (int u = -radius; u <= radius; ++u) {
            uint match = match_at(at + ivec2(u, v));
            if (match == no_match) continue;
            int j = (at.y + v) * p.width + at.x + u;
            ivec2 from = centre_of(match) - ivec2(u, v);
            float weight = weight_of(j, base);
            sum += weight * p.pixels.at[from.y * p.width + from.x];
            weights += weight;
        }
    if (weights == 0.0) return; // nobody has a say: what stood there stays
    vec4 colour = sum / weights;
    p.votes.at[i] = colour;
    if (state == hole) p.packed.at[i] = pack_pixel(colour);
}
