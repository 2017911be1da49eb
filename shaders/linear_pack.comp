#version 460
#include "common.glsl"

layout(local_size_x = 16, local_size_y = 4) in;
layout(push_constant, scalar) uniform block { linear_pack p; };

void main() {
    uint column = gl_GlobalInvocationID.x, k = gl_GlobalInvocationID.y; // column counts to the next multiple of 16
    if (k >= p.k) return;
    uint panel = column / 16u * p.k * 16u;
    p.panels.at[panel + k * 16u + column % 16u] = column < p.n ? p.w.at[column * p.k + k] : 0.0;
}
