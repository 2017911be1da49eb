#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { patch_texture p; };

float brightness(int i) { return dot(p.pixels.at[i].rgb, vec3(0.299, 0.587, 0.114)); }

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    if (x >= p.width || y >= p.height) return;
    int i = y * p.width + x;
    float own = brightness(i), sum = 0.0;
    int count = 0;
    for (int k = 0; k < 4 && p.states.at[i] == known; ++k) {
        ivec2 at = ivec2(x, y) + ivec2[](ivec2(-1, 0), ivec2(1, 0), ivec2(0, -1), ivec2(0, 1))[k];
        if (at.x < 0 || at.y < 0 || at.x >= p.width || at.y >= p.height) continue;
        int j = at.y * p.width + at.x;
        if (p.states.at[j] != known) continue;
        sum += abs(brightness(j) - own);
        ++count;
    }
    p.textured.at[i] = vec4(p.pixels.at[i].rgb, count > 0 ? min(p.scale * sum / float(count), 1.0) : 0.0);
}
