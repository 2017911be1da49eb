// The push constants of every kernel, one struct each, included by GLSL and by C++ so that the two cannot disagree.
// Buffer addresses first, then int, uint and float; at most 128 bytes. Shapes in comments, channels last.
#ifdef __cplusplus
#pragma once
#include "compute/kernel_types.h"
namespace sfumato::kernel {
#endif

// Smallest and largest value, and how many are not finite: a result with NaN, or flat, is an error and never a picture.
struct finite_range {
    f32s values; // [count]
    u32s range;  // [3]: minimum and maximum as order-preserving integers (start: ~0, 0), non-finite count (start: 0)
    uint count;
};

// y = activation(x·wᵀ + bias) + residual, fp32 throughout, weights in panels. Constants: activation, has bias, has residual.
struct linear {
    f32s x;        // [m, k]
    f32s panels;   // [⌈n/16⌉, k, 16], from linear_pack
    f32s bias;     // [n]
    f32s residual; // [m, n]
    f32s y;        // [m, n]
    uint m;
    uint n;
    uint k;
    uint rows; // of y for one workgroup
};

// Weights as `linear` wants them: 16 outputs beside each other, zero beyond n.
struct linear_pack {
    f32s w;      // [n, k]
    f32s panels; // [⌈n/16⌉, k, 16]
    uint n;
    uint k;
};

#ifdef __cplusplus
} // namespace sfumato::kernel
#endif
