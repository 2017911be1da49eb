#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { pack_pixels p; };

void main() {
    uint i = flat_id();
    if (i < p.count) p.packed.at[i] = pack_pixel(p.pixels.at[i]);
}
