#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint type = 0u; // of x and y
layout(constant_id = 1) const uint residual_type = 0u; // 255: there is none
layout(constant_id = 2) const uint width = 1u; // channels an invocation computes: 4 where they divide by it
layout(constant_id = 3) const uint kernel = 3u; // 0: there are no weights, y is x with what follows
layout(constant_id = 4) const uint stride = 1u;
layout(constant_id = 5) const uint spread = 0u; // 1: x with zeros between its pixels, twice as large
layout(constant_id = 6) const uint is_activated = 0u;
layout(constant_id = 7) const uint has_bias = 0u;
layout(constant_id = 8) const uint has_noise = 0u;
layout(push_constant, scalar) uniform block { depthwise_conv2d p; };

vec4 fetch(elements from, uint type, uint i) { return width == 4u ? load4(from, type, i) : vec4(load(from, type, i)); }

vec4 number4(f32s from, uint i) { return width == 4u ? vec4(from.at[i], from.at[i + 1u], from.at[i + 2u], from.at[i + 3u]) : vec4(from.at[i]); }

// The row or column of x that tap `tap` of result `at` sees; −1: none, which counts as 0.
int seen(uint at, uint tap, uint extent) {
    int place = int(at * stride + tap) - int(p.pad);
    if (spread == 1u) {
        if ((place & 1) != 0) return -1;
        place >>= 1;
    }
    return place < int(extent) ? place : -1;
}

void main() {
    uint i = flat_id();
    if (i >= p.count) return;
    uint parts = p.channels / width, at = i / parts, channel = (i - at * parts) * width;
    uint line = at / p.width, x = at - line * p.width, image = line / p.height, y = line - image * p.height;

    uint to = at * p.channels + channel;
    vec4 sum = has_bias == 1u ? number4(p.bias, channel) : vec4(0.0);
    if (kernel == 0u) sum += fetch(p.x, type, to);
    for (uint row = 0u; row < kernel; ++row) {
        int from_y = seen(y, row, p.x_height);
        if (from_y < 0) continue;
        for (uint column = 0u; column < kernel; ++column) {
            int from_x = seen(x, column, p.x_width);
            if (from_x < 0) continue;
            uint from = (image * p.x_height + uint(from_y)) * p.x_width + uint(from_x);
            sum += number4(p.w, (row * kernel + column) * p.channels + channel) *
                   fetch(p.x, type, from * p.channels + channel);
        }
    }
    if (has_noise == 1u) sum += p.noise.at[y * p.width + x];
    if (is_activated == 1u) sum = clamp(max(sum, 0.2 * sum) * 1.4142135623730951, -256.0, 256.0);
    if (residual_type != 255u) sum += fetch(p.residual, residual_type, to);
    if (width == 4u)
        store4(p.y, type, to, sum);
    else
        store(p.y, type, to, sum.x);
}
