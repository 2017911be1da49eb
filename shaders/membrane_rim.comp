#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { membrane_rim p; };

void main() {
    int x = p.left + int(gl_GlobalInvocationID.x), y = p.top + int(gl_GlobalInvocationID.y);
    if (x >= p.right || y >= p.bottom) return;
    int i = y * p.width + x, o = int(gl_GlobalInvocationID.y) * (p.right - p.left) + int(gl_GlobalInvocationID.x);
    bool rim = false;
    if (p.states.at[i] == known)
        for (int v = max(y - 1, 0); v <= min(y + 1, p.height - 1); ++v)
            for (int u = max(x - 1, 0); u <= min(x + 1, p.width - 1); ++u) rim = rim || p.states.at[v * p.width + u] == hole;
    p.offsets.at[o] = rim ? p.pixels.at[i] - p.votes.at[i] : vec4(0);
    p.weights.at[o] = rim ? 1.0 : 0.0;
}
