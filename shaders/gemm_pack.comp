// Weights of a checkpoint into panels.
#version 460
#include "common.glsl"
#include "lanes.glsl"
#include "panels.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { gemm_pack p; };
layout(constant_id = 0) const uint w_type = 0u;
layout(constant_id = 1) const uint format = 0u;
layout(constant_id = 2) const uint kernel_w = 1u;
layout(constant_id = 3) const bool geglu = false;
layout(constant_id = 4) const uint taps = 0u; // 0: any strides; else rows of inputs · taps numbers: gemm_pack_rows.glsl
layout(constant_id = 5) const uint span = 16u;
layout(constant_id = 6) const bool software = false;

const uint rows = format >= format_q8_0 ? 32u : 1u; // of k, for one invocation

// The checkpoint's row behind the first or second column of a panel's pair i; beyond the last: ~0. A value and its gate make
// a pair.
uint output_of(uint panel, uint i, uint second) {
    uint pair = panel * 8u + i, half_of = p.outputs / 2u;
    if (geglu) return pair >= half_of ? ~0u : second * half_of + pair;
    return 2u * pair + second < p.outputs ? 2u * pair + second : ~0u;
}

// Two numbers as a 16-bit format has them.
uint pack16(vec2 pair) {
    return format == format_bf16 ? bf16_bits(pair.x) | bf16_bits(pair.y) << 16 : packHalf2x16(pair);
}

float weight(uint o, uint k) {
    if (o == ~0u) return 0.0;
    uint tap = k / p.inputs, i = k % p.inputs;
    return load(p.w, w_type, p.first + o * p.output_stride + i * p.input_stride + tap / kernel_w * p.row_stride
                                 + tap % kernel_w * p.column_stride);
}

// As ggml: the value of largest magnitude becomes −8 (4 bits) or ±127 (8 bits).
float block_scale(uint o, uint k) {
    float extreme = 0.0;
    for (uint j = 0u; j < 32u; ++j) {
        float v = weight(o, k + j);
        if (abs(v) > abs(extreme)) extreme = v;
    }
    return format == format_q8_0 ? abs(extreme) / 127.0 : extreme / -8.0;
}

int quantized(float value, float scale) {
    float q = scale == 0.0 ? 0.0 : value / scale;
    if (format == format_q8_0) return int(clamp(roundEven(q), -127.0, 127.0)) & 0xff;
    return int(clamp(floor(q + 8.5), 0.0, 15.0));
}

void pack_block(uint word, uint a, uint b, uint k) {
    uint scales = packHalf2x16(vec2(block_scale(a, k), block_scale(b, k)));
    vec2 scale = unpackHalf2x16(scales);
    p.panels.at[word] = scales;
    const uint in_word = format == format_q8_0 ? 2u : 4u, bits = format == format_q8_0 ? 8u : 4u;
    for (uint j = 0u; j < 32u; j += in_word) {
        uint packed = 0u;
        for (uint r = 0u; r < in_word; ++r) {
            packed |= uint(quantized(weight(a, k + j + r), scale.x)) << (2u * r * bits);
            packed |= uint(quantized(weight(b, k + j + r), scale.y)) << ((2u * r + 1u) * bits);
        }
        p.panels.at[word + 8u + j / in_word * 8u] = packed;
    }
}

void pack_pair(uint id) {
    uint pairs = p.k / rows * 8u, panel = id / pairs, i = id % 8u, k = id % pairs / 8u * rows;
    uint panels = (p.outputs + 15u) / 16u, words = panel_bytes(format, p.k) / 4u;
    if (panel >= panels) { // the row of zeros
        uint at = id - panels * pairs;
        if (at < p.inputs) p.panels.at[panels * words + at] = 0u;
        return;
    }
    uint a = output_of(panel, i, 0u), b = output_of(panel, i, 1u), word = panel * words;
    if (format >= format_q8_0)
        pack_block(word + panel_bytes(format, k) / 4u + i, a, b, k);
    else if (format == format_f32) {
        p.panels.at[word + k * 16u + i] = floatBitsToUint(weight(a, k));
        p.panels.at[word + k * 16u + i + 8u] = floatBitsToUint(weight(b, k));
    } else
        p.panels.at[word + k * 8u + i] = pack16(vec2(weight(a, k), weight(b, k)));
}

#include "gemm_pack_rows.glsl"

void main() {
    if (taps == 0u)
        pack_pair(flat_id());
    else
        pack_rows();
}
