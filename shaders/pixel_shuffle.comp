#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint type = 0u;
layout(constant_id = 1) const uint inverse = 0u; // 1: pixel_unshuffle
layout(constant_id = 2) const uint base_type = 0u; // 255: there is none
layout(push_constant, scalar) uniform block { pixel_shuffle p; };

void main() {
    uint i = flat_id();
    if (i >= p.count) return;

    // Element i of the large picture [n·h·r, w·r, channels] …
    uint x = i / p.channels, channel = i - x * p.channels;
    uint y = x / (p.width * p.r);
    x -= y * p.width * p.r;
    uint small_x = x / p.r, small_y = y / p.r;
    // … in the small one [n·h, w, (channel, dy, dx)].
    uint packed = (channel * p.r + y - small_y * p.r) * p.r + x - small_x * p.r;
    uint j = (small_y * p.width + small_x) * p.channels * p.r * p.r + packed;

    if (inverse != 0u) {
        store(p.y, type, j, load(p.x, type, i));
        return;
    }
    float value = load(p.x, type, j);
    if (base_type != 255u) value += load(p.base, base_type, (small_y * p.width + small_x) * p.channels + channel);
    store(p.y, type, i, value);
}
