// The types of shaders/kernels.h as C++ sees them: a buffer is its address.
#pragma once

#include <cstdint>

namespace sfumato {

struct buffer_address {
    std::uint64_t value = 0;
};

namespace kernel {

struct f32s : buffer_address {};     // float[]
struct u32s : buffer_address {};     // uint[]
struct vec4s : buffer_address {};    // vec4[], 16-byte aligned
struct elements : buffer_address {}; // f32, f16 or bf16; which one is a specialization constant of the kernel
using uint = std::uint32_t;

} // namespace kernel
} // namespace sfumato
