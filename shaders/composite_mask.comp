#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { composite_mask p; };

void main() {
    uint i = flat_id();
    if (i >= p.count) return;
    float selected = p.selection.at[i];
    p.composite.at[i] = selected > 0.0 ? selected : max(0.0, 1.0 - p.distances.at[i] / (p.rim + 1.0));
}
