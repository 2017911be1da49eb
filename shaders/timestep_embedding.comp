#version 460
#include "common.glsl"
#include "trigonometry.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint cos_first = 1u;
layout(push_constant, scalar) uniform block { timestep_embedding p; };

// (2/π) 2^-x in units of 2^-32, x too. Taylor; its coefficients (2/π) ln(2)^k / k! alternate in sign and fall, so that
// no intermediate result leaves 0 … 1.
uint exp2_negative(uint x) {
    const uint coefficients[12] = uint[](0xa2f9836eu, 0x70f7263eu, 0x27269d0au, 0x090bb725u, 0x0191486cu, 0x0037a12fu,
                                         0x00066d35u, 0x0000a2e9u, 0x00000e1du, 0x00000116u, 0x00000013u, 0x00000001u);
    uint y = coefficients[11];
    [[unroll]] for (int k = 10; k >= 0; --k) {
        uint high, low;
        umulExtended(x, y, high, low);
        y = coefficients[k] - high;
    }
    return y;
}

// t · 2^-falloff radians in 2^-32 of a turn. In integers, because fp32 loses 6e-5 radians of a thousand.
uint phase_of(float t, uint64_t falloff) {
    uint bits = floatBitsToUint(t);
    uint64_t product = uint64_t(bits & 0x7fffffu | 0x800000u) * uint64_t(exp2_negative(uint(falloff >> 16)));
    int shift = int(bits >> 23 & 255u) - 152 - int(falloff >> 48);
    uint phase = uint(shift < 0 ? product >> min(-shift, 63) : product << min(shift, 63));
    return t < 0.0 ? -phase : phase;
}

void main() {
    uint id = flat_id();
    if (id >= p.count) return;
    uint n = id / p.half_channels, i = id - n * p.half_channels;
    uint phase = phase_of(p.t.at[n], (uint64_t(p.step_high) << 32 | uint64_t(p.step_low)) * uint64_t(i));
    uint cosine = 2u * n * p.half_channels + i, sine = cosine;
    if (cos_first != 0u)
        sine += p.half_channels;
    else
        cosine += p.half_channels;
    p.y.at[cosine] = cos_of_phase(phase);
    p.y.at[sine] = sin_of_phase(phase);
}
