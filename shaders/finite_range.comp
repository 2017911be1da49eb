#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { finite_range p; };

// Maps floats to integers of the same order, so that atomicMin and atomicMax work on them.
uint ordered(float value) {
    uint bits = floatBitsToUint(value);
    return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
}

void main() {
    uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
    uint low = ~0u, high = 0u, bad = 0u;
    for (uint i = gl_GlobalInvocationID.x; i < p.count; i += stride) {
        float value = p.values.at[i];
        if (isnan(value) || isinf(value)) {
            ++bad;
        } else {
            low = min(low, ordered(value));
            high = max(high, ordered(value));
        }
    }
    atomicMin(p.range.at[0], low);
    atomicMax(p.range.at[1], high);
    if (bad > 0u) atomicAdd(p.range.at[2], bad);
}
