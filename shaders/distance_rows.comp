#version 460
#include "common.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { distance_rows p; };

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    if (x >= p.width || y >= p.height) return;
    int row = y * p.width;
    float best = p.columns.at[row + x];
    best *= best;
    for (int d = 1; float(d) * float(d) < best && d < p.width; ++d) {
        float left = x >= d ? p.columns.at[row + x - d] : 1e9;
        float right = x + d < p.width ? p.columns.at[row + x + d] : 1e9;
        float nearer = min(left, right);
        best = min(best, float(d) * float(d) + nearer * nearer);
    }
    p.distances.at[row + x] = sqrt(best);
}
