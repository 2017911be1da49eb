#version 460
#include "common.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { distance_columns p; };

bool sought(int x, int y) {
    if (y < 0 || y >= p.height) return false;
    float value = p.values.at[y * p.width + x];
    return value >= p.low && value <= p.high;
}

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    if (x >= p.width || y >= p.height) return;
    int d = 0;
    while (d < p.reach && !sought(x, y - d) && !sought(x, y + d)) ++d;
    p.columns.at[y * p.width + x] = float(d);
}
