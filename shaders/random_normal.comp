#version 460
#include "common.glsl"
#include "trigonometry.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { random_normal p; };

// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
uvec4 philox_4x32_10(uvec4 counter, uvec2 key) {
    [[unroll]] for (int round = 0; round < 10; ++round) {
        uint high0, low0, high1, low1;
        umulExtended(counter.x, 0xd2511f53u, high0, low0);
        umulExtended(counter.z, 0xcd9e8d57u, high1, low1);
        counter = uvec4(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0);
        key += uvec2(0x9e3779b9u, 0xbb67ae85u);
    }
    return counter;
}

void main() {
    uint i = flat_id();
    if (i >= p.count) return;
    uvec4 random = philox_4x32_10(uvec4(p.state.at[2], 0u, i, 0u), uvec2(p.state.at[0], p.state.at[1]));
    float uniform_value = float(random.x) * exp2(-32.0) + exp2(-33.0); // 0 < u ≤ 1
    p.y.at[i] = sqrt(-2.0 * precise_log(uniform_value)) * sin_of_phase(random.y);
}
