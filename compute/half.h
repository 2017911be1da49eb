// fp16 and bf16 on the host.
#pragma once

#include <bit>
#include <cstdint>

namespace sfumato {

inline std::uint16_t f16_bits(float x) { return std::bit_cast<std::uint16_t>(_Float16(x)); }
inline float f16_value(std::uint16_t bits) { return float(std::bit_cast<_Float16>(bits)); }

/// To nearest, ties to even; NaN stays NaN.
inline std::uint16_t bf16_bits(float x) {
    auto const bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7fffffff) > 0x7f800000) return std::uint16_t(bits >> 16 | 0x40);
    return std::uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float bf16_value(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t(bits) << 16); }

} // namespace sfumato
