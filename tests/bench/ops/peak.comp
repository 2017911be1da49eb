// Arithmetic without memory (`copy` 0): multiply-adds on what is in registers; or memory without arithmetic (1).
#version 460
#ifdef COOPERATIVE
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif
#include "common.glsl"

layout(local_size_x = 128) in;
layout(push_constant, scalar) uniform block {
    vec4s from, to;
    uint count, rounds;
} p;
layout(constant_id = 0) const uint copy = 0u;
layout(constant_id = 1) const uint m = 16u;
layout(constant_id = 2) const uint n = 16u;
layout(constant_id = 3) const uint k = 16u;
layout(constant_id = 4) const uint scope = 3u; // of a cooperative matrix

#ifdef COOPERATIVE
#define operand_a coopmat<float16_t, scope, m, k, gl_MatrixUseA>
#define operand_b coopmat<float16_t, scope, k, n, gl_MatrixUseB>
#define sums coopmat<float, scope, m, n, gl_MatrixUseAccumulator>

// A subgroup (or workgroup) and round: 4 · 2mnk operations.
void arithmetic() {
    operand_a a = operand_a(float16_t(p.from.at[0].x));
    operand_b b = operand_b(float16_t(p.from.at[0].y));
    sums s0 = sums(0.0), s1 = sums(1.0), s2 = sums(2.0), s3 = sums(3.0);
    for (uint i = 0; i < p.rounds; ++i) {
        s0 = coopMatMulAdd(a, b, s0);
        s1 = coopMatMulAdd(a, b, s1);
        s2 = coopMatMulAdd(a, b, s2);
        s3 = coopMatMulAdd(a, b, s3);
    }
    s0 += s1 + s2 + s3;
    float sum = 0;
    for (int i = 0; i < s0.length(); ++i) sum += s0[i];
    if (sum == 0.123) p.to.at[0].x = sum;
}
#else
// An invocation and round: 8 steps of 12 multiply-adds = 192 operations. Lanes differ, or a compiler computes one for all.
void arithmetic() {
    float a = p.from.at[0].x + 1e-6 * gl_LocalInvocationID.x, b = p.from.at[0].y + 1e-6 * gl_LocalInvocationID.x;
    vec4 s0 = p.from.at[1], s1 = p.from.at[2], s2 = p.from.at[3];
    uint rounds = p.rounds;
#define STEP s0 = s0 * a + b; s1 = s1 * a + b; s2 = s2 * a + b;
    for (uint i = 0; i < rounds; ++i) { STEP STEP STEP STEP STEP STEP STEP STEP }
    vec4 sum = s0 + s1 + s2;
    if (sum.x + sum.y + sum.z + sum.w == 0.123) p.to.at[0] = sum;
}
#endif

void main() {
    if (copy == 0u)
        arithmetic();
    else if (flat_id() < p.count)
        p.to.at[flat_id()] = p.from.at[flat_id()];
}
