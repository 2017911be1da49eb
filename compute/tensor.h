// A tensor: a name for numbers that live on the device while a plan runs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sfumato {

/// What a tensor's elements are stored as; kernels compute in fp32. The numbers are known to shaders/elements.glsl.
enum class dtype : std::uint8_t { f32, f16, bf16, u32 };

constexpr std::size_t bytes_of(dtype type) { return type == dtype::f16 || type == dtype::bf16 ? 2 : 4; }

/// Channels last: [n, h, w, c]. A picture is {.h, .w, .c}, tokens {.n, .w, .c}, a list {.c}.
struct shape {
    int n = 1, h = 1, w = 1, c = 1;

    std::size_t count() const { return std::size_t(n) * h * w * c; }
    bool operator==(shape const&) const = default;
};

/// A value: copying it copies the name, not the numbers. Belongs to the graph that made it.
struct tensor {
    std::uint32_t id = ~0u;
    sfumato::shape shape;
    dtype type = dtype::f32;
    std::size_t first = 0; // of a view: elements of the tensor that lie before it

    std::size_t bytes() const { return shape.count() * bytes_of(type); }
    /// Of tokens [1, 1, w, c]: `count` of them from `from` on, without a copy.
    tensor tokens(int from, int count) const {
        return {id, {.w = count, .c = shape.c}, type, first + std::size_t(from) * std::size_t(shape.c)};
    }
};

} // namespace sfumato
