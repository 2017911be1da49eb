#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { patch_vote p; };

// Whether the patch centred at `at` has a say, and for how much its mismatch counts.
bool votes_at(ivec2 at, out float cost) {
    cost = 0.0;
    if (at.x < p.left || at.y < p.top || at.x >= p.right || at.y >= p.bottom) return false;
    int i = at.y * p.width + at.x;
    if ((p.kinds.at[i] & is_target) == 0u || p.matches.at[i] == no_match) return false;
    cost = p.costs.at[i];
    return true;
}

void main() {
    ivec2 at = ivec2(p.left, p.top) + ivec2(gl_GlobalInvocationID.xy);
    if (at.x >= p.right || at.y >= p.bottom) return;
    int i = at.y * p.width + at.x;
    uint state = p.states.at[i];
    if (state == blank || (state == known && p.known_too == 0u)) return;
    float least = 1e30, cost;
    for (int v = -radius; v <= radius; ++v)
        for (int u = -radius; u <= radius; ++u)
            if (votes_at(at + ivec2(u, v), cost)) least = min(least, cost);
    if (least == 1e30) return; // nobody votes: what stood there stays
    float base = p.relative != 0u ? least : 0.0;
    vec4 sum = vec4(0);
    float weights = 0.0;
    for (int v = -radius; v <= radius; ++v)
        for (int u = -radius; u <= radius; ++u) {
            if (!votes_at(at + ivec2(u, v), cost)) continue;
            int j = (at.y + v) * p.width + at.x + u;
            ivec2 from = centre_of(p.matches.at[j]) - ivec2(u, v);
            float weight = p.confidences.at[j] * exp((base - cost) * p.sharpness) + 1e-20;
            sum += weight * p.pixels.at[from.y * p.width + from.x];
            weights += weight;
        }
    vec4 colour = sum / weights;
    p.votes.at[i] = colour;
    if (state == hole) p.packed.at[i] = pack_pixel(colour);
}
