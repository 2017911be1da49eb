#version 460
#include "common.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { pull p; };

vec4 coarse_at(vec2 at) {
    at = clamp(at, vec2(0), vec2(p.coarse_width - 1, p.coarse_height - 1));
    ivec2 low = ivec2(at);
    ivec2 high = min(low + 1, ivec2(p.coarse_width - 1, p.coarse_height - 1));
    vec2 part = at - vec2(low);
    vec4 above = mix(p.coarse.at[low.y * p.coarse_width + low.x], p.coarse.at[low.y * p.coarse_width + high.x], part.x);
    vec4 below = mix(p.coarse.at[high.y * p.coarse_width + low.x], p.coarse.at[high.y * p.coarse_width + high.x], part.x);
    return mix(above, below, part.y);
}

void main() {
    int x = int(gl_GlobalInvocationID.x), y = int(gl_GlobalInvocationID.y);
    if (x >= p.width || y >= p.height) return;
    int i = y * p.width + x;
    float weight = p.weights.at[i];
    vec4 colour = p.fine.at[i];
    if (weight < 1.0) colour = mix(coarse_at(0.5 * vec2(x, y) - 0.25), colour, weight);
    p.filled.at[i] = colour;
}
