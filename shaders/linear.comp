#version 460
#include "common.glsl"
#extension GL_KHR_shader_subgroup_basic : require
layout(local_size_x = 8) in;
layout(push_constant, scalar) uniform block { linear p; };
float pick(vec4 a, vec4 b) {
    uint l = gl_SubgroupInvocationID;
    bool b0 = (l & 1u) != 0u, b1 = (l & 2u) != 0u, b2 = (l & 4u) != 0u;
    float p01 = b0 ? a.y : a.x, p23 = b0 ? a.w : a.z, p45 = b0 ? b.y : b.x, p67 = b0 ? b.w : b.z;
    float q0 = b1 ? p23 : p01, q1 = b1 ? p67 : p45;
    return b2 ? q1 : q0;
}
const uint R=7u, U=16u, C=2u;
void main() {
    uint lane = gl_SubgroupInvocationID;
    uint K = p.k, N = p.n, M = p.m;
    uint col = gl_WorkGroupID.x * C * 8u;
    uint row0 = gl_WorkGroupID.y * p.rows;
    uint row1 = min(row0 + p.rows, M);
    vec4s w = vec4s(uint64_t(p.w) + uint64_t(col)*uint64_t(4u)), X = p.x;
    uint n4 = N >> 2u, k4 = K >> 2u;
    for (uint row = row0; row < row1; row += R) {
        float acc[R][C];
        [[unroll]] for (uint r=0;r<R;r++) [[unroll]] for(uint c=0;c<C;c++) acc[r][c]=0;
        uint x = row * k4;
        for (uint i = 0; i < k4; i += U/4u) {
            [[unroll]] for (uint u = 0; u < U/4u; u++) {
                vec4 xs[R];
                [[unroll]] for (uint r=0;r<R;r++) xs[r] = X.at[x + r*k4 + i + u];
                [[unroll]] for (uint j = 0; j < 4u; j++) {
                    uint b = ((i + u)*4u + j) * n4;
                    [[unroll]] for (uint c=0;c<C;c++) {
                        float v = pick(w.at[b + 2u*c], w.at[b + 2u*c+1u]);
                        [[unroll]] for (uint r=0;r<R;r++) acc[r][c] = fma(xs[r][j], v, acc[r][c]);
                    }
                }
            }
        }
        [[unroll]] for (uint r=0;r<R;r++) [[unroll]] for(uint c=0;c<C;c++) if (row + r < M) p.y.at[(row+r)*N + col + c*8u + lane] = acc[r][c];
    }
}
