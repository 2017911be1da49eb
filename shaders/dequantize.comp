#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint format = 0u; // enum class block_format in compute/ops.h
layout(constant_id = 1) const uint y_type = 0u;
layout(push_constant, scalar) uniform block { dequantize p; };

const uint q8_0 = 0u, q4_0 = 1u, q4_k = 2u, q5_k = 3u, q6_k = 4u, f8_e4m3 = 5u, f8_e5m2 = 6u;

uint pair_at(uint byte) { return uint(u16s(uint64_t(p.raw)).at[byte / 2u]); }
uint byte_at(uint byte) { return p.raw.at[byte / 4u] >> (byte % 4u * 8u) & 255u; }
// At an even address.
uvec4 bytes_at(uint byte) {
    uint low = pair_at(byte), high = pair_at(byte + 2u);
    return uvec4(low & 255u, low >> 8, high & 255u, high >> 8);
}
vec4 signed_of(uvec4 bytes) { return vec4(ivec4(bytes << 24) >> 24); }

// fp16, also subnormal: devices may flush those when they convert.
float half_of(uint bits) {
    if ((bits & 0x7c00u) != 0u) return unpackHalf2x16(bits).x;
    float value = float(bits & 0x3ffu) * exp2(-24.0);
    return (bits & 0x8000u) != 0u ? -value : value;
}
float half_at(uint byte) { return half_of(pair_at(byte)); }

// Of the K formats: 6-bit scale and minimum of sub-block s, packed in 12 bytes.
vec2 scale_and_minimum(uint at, uint s) {
    uint low = byte_at(at + s % 4u), middle = byte_at(at + 4u + s % 4u);
    if (s < 4u) return vec2(low & 63u, middle & 63u);
    uint rest = byte_at(at + 4u + s);
    return vec2(rest & 15u | low >> 6 << 4, rest >> 4 | middle >> 6 << 4);
}

// [f16 scale, f16 scale of the minima, 12 bytes of scales and minima, (32 bytes of fifth bits,) 128 of low nibbles]
vec4 k_with_minima(uint block, uint e) {
    uint s = e / 32u, i = e % 32u, nibbles = block + (format == q5_k ? 48u : 16u);
    uvec4 q = bytes_at(nibbles + s / 2u * 32u + i) >> (s % 2u * 4u) & 15u;
    if (format == q5_k) q |= (bytes_at(block + 16u + i) >> s & 1u) << 4;
    vec2 scales = scale_and_minimum(block + 4u, s) * vec2(half_at(block), half_at(block + 2u));
    return scales.x * vec4(q) - scales.y;
}

// [128 bytes of low nibbles, 64 of upper bit pairs, 16 signed scales, f16 scale]
vec4 six_bits(uint block, uint e) {
    uint part = e / 128u, quarter = e % 128u / 32u, i = e % 32u;
    uvec4 q = bytes_at(block + part * 64u + quarter % 2u * 32u + i) >> (quarter / 2u * 4u) & 15u;
    q |= (bytes_at(block + 128u + part * 32u + i) >> (quarter * 2u) & 3u) << 4;
    float scale = float(int(byte_at(block + 192u + e / 16u) << 24) >> 24) * half_at(block + 208u);
    return scale * (vec4(q) - 32.0);
}

// Without infinities; NaN is all ones.
float e4m3(uint bits) {
    uint exponent = bits >> 3 & 15u, mantissa = bits & 7u;
    if ((bits & 127u) == 127u) return uintBitsToFloat(0x7fc00000u);
    float value = exponent == 0u ? float(mantissa) * exp2(-9.0) : uintBitsToFloat(exponent + 120u << 23 | mantissa << 20);
    return (bits & 128u) != 0u ? -value : value;
}

vec4 values(uint i) {
    if (format == q8_0) {
        uint block = i / 32u * 34u;
        return half_at(block) * signed_of(bytes_at(block + 2u + i % 32u));
    }
    if (format == q4_0) {
        uint block = i / 32u * 18u, e = i % 32u;
        return half_at(block) * (vec4(bytes_at(block + 2u + e % 16u) >> (e / 16u * 4u) & 15u) - 8.0);
    }
    if (format == q4_k) return k_with_minima(i / 256u * 144u, i % 256u);
    if (format == q5_k) return k_with_minima(i / 256u * 176u, i % 256u);
    if (format == q6_k) return six_bits(i / 256u * 210u, i % 256u);
    uvec4 b = bytes_at(i);
    if (format == f8_e4m3) return vec4(e4m3(b.x), e4m3(b.y), e4m3(b.z), e4m3(b.w));
    b <<= 8; // e5m2 is the upper half of an fp16
    return vec4(half_of(b.x), half_of(b.y), half_of(b.z), half_of(b.w));
}

void main() {
    uint i = 4u * flat_id();
    if (i >= p.count) return;
    vec4 y = values(i);
    if (i + 4u <= p.count) {
        store4(p.y, y_type, i, y);
        return;
    }
    store(p.y, y_type, i, y.x);
    if (i + 1u < p.count) store(p.y, y_type, i + 1u, y.y);
    if (i + 2u < p.count) store(p.y, y_type, i + 2u, y.z);
}
