#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { fill_prepare p; };

void main() {
    uint i = flat_id();
    if (i >= p.count) return;
    vec4 c = p.picture.at[i];
    bool finite = !any(isnan(c)) && !any(isinf(c));
    uint state = p.selection.at[i] > 0.0 ? hole : finite && c.a > 0.0 ? known : blank;
    p.states.at[i] = state;
    p.pixels.at[i] = state == known ? vec4(c.rgb * c.a, c.a) : vec4(0);
    p.weights.at[i] = state == known ? 1.0 : 0.0;
}
