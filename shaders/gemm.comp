// Every product with weights: linear, and convolution as an implicit GEMM. A row is a pixel (or token) of the result, a
// column one of its channels, and the inner dimension runs over the taps of the kernel and, within each, the channels of the
// input. Weights lie in panels (shaders/panels.glsl).
#version 460
#include "common.glsl"
#include "activation.glsl"

layout(push_constant, scalar) uniform block { gemm p; };

#include "epilogue.glsl"
#include "panels.glsl"

layout(constant_id = 10) const uint x_type = 0u; // of x and second
layout(constant_id = 11) const uint weight_format = 0u;
layout(constant_id = 12) const uint kernel_h = 1u;
layout(constant_id = 13) const uint kernel_w = 1u;
layout(constant_id = 14) const int stride = 1;
layout(constant_id = 15) const int pad_top = 0;
layout(constant_id = 16) const int pad_left = 0;
layout(constant_id = 17) const bool reflected = false; // what lies beyond a border: its reflection, else zeros
layout(constant_id = 18) const int up = 0;             // 1: the input is taken twice as large, nearest neighbour
layout(constant_id = 19) const bool has_second = false;
layout(constant_id = 20) const int out_step = 1; // pixels of the result are out_step apart, the first at out_y, out_x
layout(constant_id = 21) const int out_y = 0;
layout(constant_id = 22) const int out_x = 0;
layout(constant_id = 23) const uint x_pitch = 0u; // channels of x, of which the first c1 count; 0: c1

const bool one_to_one = kernel_h == 1u && kernel_w == 1u && stride == 1 && up == 0 && pad_top == 0 && pad_left == 0;

struct pixel {
    uint image;
    int y, x;
};

pixel pixel_of(uint row) {
    uint in_image = row % p.image_rows;
    return pixel(row / p.image_rows, int(in_image / p.out_w), int(in_image % p.out_w));
}

// Which pixel of the input tap (ty, tx) of a row sees; −1: none, it is zero.
int source_of(uint row, pixel at, int ty, int tx) {
    if (one_to_one) return int(row);
    int y = at.y * stride + ty - pad_top, x = at.x * stride + tx - pad_left;
    int height = int(p.h) << up, width = int(p.w) << up;
    if (reflected) {
        y = y < 0 ? -y : y >= height ? 2 * height - 2 - y : y;
        x = x < 0 ? -x : x >= width ? 2 * width - 2 - x : x;
    } else if (y < 0 || y >= height || x < 0 || x >= width)
        return -1;
    return (int(at.image * p.h) + (y >> up)) * int(p.w) + (x >> up);
}

// A row's place in the result.
uint result_row(uint row, pixel at) {
    if (out_step == 1) return row;
    uint y = uint(at.y * out_step + out_y), x = uint(at.x * out_step + out_x);
    return (at.image * p.image_rows / p.out_w * out_step + y) * p.out_w * out_step + x;
}

uint depth() { return kernel_h * kernel_w * (p.c1 + p.c2); }

// Pair i of row k of a panel.
vec2 weight_pair(uint panel, uint k, uint i) {
    uint word = panel * (panel_bytes(weight_format, depth()) / 4u);
    if (weight_format == format_f32) {
        word += k * 16u + i;
        return vec2(uintBitsToFloat(p.panels.at[word]), uintBitsToFloat(p.panels.at[word + 8u]));
    }
    if (weight_format < format_q8_0) return pair_of(weight_format, p.panels.at[word + k * 8u + i]);
    word += panel_bytes(weight_format, k / 32u * 32u) / 4u + i;
    vec2 scale = unpackHalf2x16(p.panels.at[word]);
    if (weight_format == format_q8_0) return scale * q8_0_pair(p.panels.at[word + 8u + k % 32u / 2u * 8u], k % 2u);
    return scale * q4_0_pair(p.panels.at[word + 8u + k % 32u / 4u * 8u], k % 4u);
}

#ifdef SOFTWARE
#include "gemm_software.glsl"
#else
#include "gemm_tile.glsl"
#endif
