#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { patch_kinds p; };

float confidence(int i, uint state) {
    return state == known ? 1.0 : state == blank ? 0.0 : max(p.least, exp2(-p.falloff * max(p.depths.at[i], 1.0)));
}

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    if (x >= p.width || y >= p.height) return;
    int i = y * p.width + x;
    bool all_known = true, any_hole = false;
    bool inside = x >= radius && y >= radius && x < p.width - radius && y < p.height - radius;
    for (int v = -radius; v <= radius && inside; ++v)
        for (int u = -radius; u <= radius; ++u) {
            uint state = p.states.at[i + v * p.width + u];
            all_known = all_known && state == known;
            any_hole = any_hole || state == hole;
        }
    p.kinds.at[i] = !inside ? 0u : (all_known ? is_source : 0u) | (any_hole ? is_target : 0u);
    p.confidences.at[i] = confidence(i, p.states.at[i]);
    float sum = 0.0;
    for (int k = 0; k < samples && inside && any_hole; ++k) {
        int j = i + sample_at(k).y * p.width + sample_at(k).x;
        sum += confidence(j, p.states.at[j]);
    }
    p.scales.at[i] = sum > 0.0 ? 1.0 / sum : 0.0;
}
