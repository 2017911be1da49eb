#version 460
#include "common.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { fill_finish p; };

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    int columns = p.right - p.left;
    if (x >= columns || y >= p.bottom - p.top) return;
    int o = y * columns + x;
    vec4 colour = p.votes.at[(p.top + y) * p.width + p.left + x] + p.offsets.at[o];
    float alpha = p.opaque != 0u ? 1.0 : clamp(colour.a, 0.0, 1.0);
    p.filled.at[o] = vec4(colour.rgb / max(alpha, 1e-6), alpha);
}
