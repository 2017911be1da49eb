#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { match_upsample p; };

// The coarse target nearest to `at` that has a match, or (-1, -1).
ivec2 matched_near(ivec2 at) {
    ivec2 nearest = ivec2(-1);
    int least = 1 << 30;
    for (int v = -2; v <= 2; ++v)
        for (int u = -2; u <= 2; ++u) {
            ivec2 c = at + ivec2(u, v);
            if (c.x < 0 || c.y < 0 || c.x >= p.coarse_width || c.y >= p.coarse_height) continue;
            int j = c.y * p.coarse_width + c.x;
            if (u * u + v * v >= least || (p.coarse_kinds.at[j] & is_target) == 0u || p.coarse_matches.at[j] == no_match) continue;
            least = u * u + v * v;
            nearest = c;
        }
    return nearest;
}

// The source nearest to `at`, or no_match.
uint source_near(ivec2 at) {
    uint nearest = no_match;
    int least = 1 << 30;
    for (int v = -4; v <= 4; ++v)
        for (int u = -4; u <= 4; ++u) {
            ivec2 c = at + ivec2(u, v);
            if (c.x < 0 || c.y < 0 || c.x >= p.width || c.y >= p.height || u * u + v * v >= least) continue;
            if ((p.kinds.at[c.y * p.width + c.x] & is_source) == 0u) continue;
            least = u * u + v * v;
            nearest = match_of(c);
        }
    return nearest;
}

void main() {
    ivec2 at = ivec2(p.left, p.top) + ivec2(gl_GlobalInvocationID.xy);
    if (at.x >= p.right || at.y >= p.bottom) return;
    int i = at.y * p.width + at.x;
    uint match = no_match;
    if ((p.kinds.at[i] & is_target) != 0u) {
        ivec2 limit = ivec2(p.coarse_width, p.coarse_height) - 1 - radius;
        ivec2 parent = matched_near(clamp(at / 2, min(ivec2(radius), limit), max(ivec2(radius), limit)));
        if (parent.x >= 0) {
            ivec2 source = centre_of(p.coarse_matches.at[parent.y * p.coarse_width + parent.x]);
            match = source_near(clamp(2 * source + at - 2 * parent, ivec2(0), ivec2(p.width, p.height) - 1));
        }
    }
    p.matches.at[i] = match;
    p.costs.at[i] = 0.0;
}
