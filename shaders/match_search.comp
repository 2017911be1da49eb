#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { match_search p; };

uint state;
float uniform_random() { // -1 … 1
    state = scramble(state);
    return float(state >> 8) * (2.0 / 16777216.0) - 1.0;
}

void main() {
    ivec2 at = ivec2(p.left, p.top) + ivec2(gl_GlobalInvocationID.xy);
    if (at.x >= p.right || at.y >= p.bottom) return;
    int i = at.y * p.width + at.x;
    p.found.at[i] = no_match;
    if ((p.kinds.at[i] & is_target) == 0u) return;
    want_patch(p.packed, p.confidences, at, p.width);
    float scale = p.scales.at[i], cost = 1e30;
    uint best = no_match;
    state = scramble(p.seed ^ scramble(uint(i)));
    float reach = p.reach;
    // Candidates: the own match; what eight neighbours' matches continue to; random ones around the best so far.
    for (int k = 0; k < 9 + p.trials; ++k) {
        ivec2 candidate;
        if (k < 9) {
            ivec2 step = ivec2(k % 3, k / 3) - 1;
            if (k == 4) {
                step = ivec2(0);
            } else {
                bool straight = step.x == 0 || step.y == 0;
                step *= straight ? p.stride : p.stride == 1 ? 2 : 1;
            }
            ivec2 neighbour = at + step;
            if (neighbour.x < p.left || neighbour.y < p.top || neighbour.x >= p.right || neighbour.y >= p.bottom) continue;
            int j = neighbour.y * p.width + neighbour.x;
            uint match = p.matches.at[j];
            if (match == no_match) continue;
            candidate = centre_of(match) - step;
        } else if (best == no_match) {
            vec2 part = 0.5 + 0.5 * vec2(uniform_random(), uniform_random());
            candidate = ivec2(part * vec2(p.width, p.height));
        } else {
            candidate = centre_of(best) + ivec2(round(reach * vec2(uniform_random(), uniform_random())));
            reach = max(1.0, 0.5 * reach);
        }
        if (candidate.x < 0 || candidate.y < 0 || candidate.x >= p.width || candidate.y >= p.height) continue;
        if (match_of(candidate) == best) continue;
        if ((p.kinds.at[candidate.y * p.width + candidate.x] & is_source) == 0u) continue;
        vec2 away = vec2(candidate - at);
        float remote = p.remoteness * dot(away, away);
        float c = mismatch(p.packed, candidate, p.width, (cost - remote) / scale) * scale + remote;
        if (c < cost) {
            cost = c;
            best = match_of(candidate);
        }
    }
    p.found.at[i] = best;
    p.costs.at[i] = cost;
}
