#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { fill_halve p; };

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    if (x >= p.width || y >= p.height) return;
    bool any_hole = false, any_blank = false;
    float depth = 0.0;
    for (int v = 2 * y; v < min(2 * y + 2, p.fine_height); ++v)
        for (int u = 2 * x; u < min(2 * x + 2, p.fine_width); ++u) {
            uint state = p.fine_states.at[v * p.fine_width + u];
            any_hole = any_hole || state == hole;
            any_blank = any_blank || state == blank;
            depth = max(depth, p.fine_depths.at[v * p.fine_width + u]);
        }
    p.states.at[y * p.width + x] = any_hole ? hole : any_blank ? blank : known;
    p.depths.at[y * p.width + x] = 0.5 * depth;
}
