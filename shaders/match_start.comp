#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { match_start p; };

void main() {
    ivec2 at = ivec2(p.left, p.top) + ivec2(gl_GlobalInvocationID.xy);
    if (at.x >= p.right || at.y >= p.bottom) return;
    int i = at.y * p.width + at.x;
    uint best = no_match;
    float cost = 1e30;
    if ((p.kinds.at[i] & is_target) != 0u) {
        want_patch(p.packed, p.confidences, at, p.width);
        float scale = p.scales.at[i];
        // One candidate in each cell of a grid, the same for a whole workgroup: then all its loads are uniform.
        uint tile = scramble(p.seed ^ scramble(gl_WorkGroupID.x + (gl_WorkGroupID.y << 16)));
        for (int cy = 0; cy < p.height; cy += p.cell)
            for (int cx = 0; cx < p.width; cx += p.cell) {
                uint r = scramble(tile ^ scramble(uint(cx) | uint(cy) << 16));
                ivec2 candidate = ivec2(cx, cy) + ivec2(r % uint(p.cell), (r >> 16) % uint(p.cell));
                if (candidate.x >= p.width || candidate.y >= p.height) continue;
                if ((p.kinds.at[candidate.y * p.width + candidate.x] & is_source) == 0u) continue;
                vec2 away = vec2(candidate - at);
                float remote = p.remoteness * dot(away, away);
                float c = mismatch(p.packed, candidate, p.width, (cost - remote) / scale) * scale + remote;
                if (c < cost) {
                    cost = c;
                    best = match_of(candidate);
                }
            }
    }
    p.matches.at[i] = best;
    p.costs.at[i] = cost;
}
