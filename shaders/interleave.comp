#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint x_type = 0u; // and y's
layout(constant_id = 1) const uint base_type = 0u; // 255: there is none
layout(constant_id = 2) const uint width = 1u; // channels an invocation moves: 4 where they divide by it
layout(push_constant, scalar) uniform block { interleave p; };

vec4 fetch(elements from, uint type, uint i) { return width == 4u ? load4(from, type, i) : vec4(load(from, type, i)); }

void main() {
    uint i = flat_id();
    if (i >= p.count) return;
    uint parts = p.channels / width, at = i / parts, channel = (i - at * parts) * width;
    uint line = at / p.width, x = at - line * p.width, image = line / p.height, y = line - image * p.height;

    uint small_y = y / p.r, small_x = x / p.r, phase = (y - small_y * p.r) * p.r + x - small_x * p.r;
    uint from = (image * p.x_height + small_y) * p.x_width + small_x;
    vec4 v = fetch(p.x, x_type, (from * p.r * p.r + phase) * p.channels + channel);
    if (base_type != 255u) {
        uint left = (p.base_width - p.width) / 2u, top = (p.base_height - p.height) / 2u;
        v += fetch(p.base, base_type,
                   ((image * p.base_height + y + top) * p.base_width + x + left) * p.channels + channel);
    }
    if (width == 4u)
        store4(p.y, x_type, at * p.channels + channel, v);
    else
        store(p.y, x_type, at * p.channels + channel, v.x);
}
