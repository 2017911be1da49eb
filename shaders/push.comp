#version 460
#include "common.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { push p; };

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    if (x >= p.width || y >= p.height) return;
    vec4 sum = vec4(0);
    float weights = 0.0;
    for (int v = -1; v <= 2; ++v)
        for (int u = -1; u <= 2; ++u) {
            int fx = 2 * x + u, fy = 2 * y + v;
            if (fx < 0 || fy < 0 || fx >= p.fine_width || fy >= p.fine_height) continue;
            float w = (u == 0 || u == 1 ? 3.0 : 1.0) * (v == 0 || v == 1 ? 3.0 : 1.0) * p.fine_weights.at[fy * p.fine_width + fx];
            sum += w * p.fine.at[fy * p.fine_width + fx];
            weights += w;
        }
    p.coarse.at[y * p.width + x] = weights > 0.0 ? sum / weights : vec4(0);
    p.weights.at[y * p.width + x] = min(1.0, weights / 16.0);
}
