#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { membrane_relax p; };

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    int columns = p.right - p.left, rows = p.bottom - p.top;
    if (x >= columns || y >= rows) return;
    int o = y * columns + x;
    vec4 offset = p.offsets.at[o];
    if (p.states.at[(p.top + y) * p.width + p.left + x] == hole) {
        vec4 sum = vec4(0);
        float count = 0.0;
        for (int k = 0; k < 4; ++k) {
            int u = x + (k == 0 ? -1 : k == 1 ? 1 : 0), v = y + (k == 2 ? -1 : k == 3 ? 1 : 0);
            if (u < 0 || v < 0 || u >= columns || v >= rows) continue;
            if (p.weights.at[v * columns + u] == 0.0 && p.states.at[(p.top + v) * p.width + p.left + u] != hole) continue;
            sum += p.offsets.at[v * columns + u];
            count += 1.0;
        }
        if (count > 0.0) offset = sum / count;
    }
    p.relaxed.at[o] = offset;
}
