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

#ifdef __cplusplus
} // namespace sfumato::kernel
#endif
