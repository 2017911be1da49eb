#include "models/files/ggml_blocks.h"

#include "compute/half.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sfumato {

namespace {

float half_at(std::byte const* at) {
    std::uint16_t bits;
    std::memcpy(&bits, at, sizeof bits);
    return f16_value(bits);
}

int byte_at(std::byte const* at) { return int(std::to_integer<std::uint8_t>(*at)); }

// 16 bytes: element i in the low half of byte i, element 16 + i in the high one.
int nibble(std::byte const* packed, int i) { return i < 16 ? byte_at(packed + i) & 15 : byte_at(packed + i - 16) >> 4; }

// The fifth bit of element i.
int fifth_bit(std::byte const* bits, int i) { return byte_at(bits + i / 8) >> i % 8 & 1; }

// d, m, nibbles: q·d + m
void expand_q4_1(std::byte const* block, float* values) {
    float const d = half_at(block), m = half_at(block + 2);
    for (int i = 0; i < 32; ++i) values[i] = d * float(nibble(block + 4, i)) + m;
}

// d, fifth bits, nibbles: (q − 16)·d
void expand_q5_0(std::byte const* block, float* values) {
    float const d = half_at(block);
    for (int i = 0; i < 32; ++i) values[i] = d * float((nibble(block + 6, i) | fifth_bit(block + 2, i) << 4) - 16);
}

// d, m, fifth bits, nibbles: q·d + m
void expand_q5_1(std::byte const* block, float* values) {
    float const d = half_at(block), m = half_at(block + 2);
    for (int i = 0; i < 32; ++i) values[i] = d * float(nibble(block + 8, i) | fifth_bit(block + 4, i) << 4) + m;
}

// Two bits of each of 256 elements in 64 bytes: 32 bytes hold 128 elements, 32 at a time from the lowest bits up.
int pair_of_bits(std::byte const* packed, int i) {
    return byte_at(packed + i / 128 * 32 + i % 32) >> i / 32 % 4 * 2 & 3;
}

// 16 bytes of scale (low) and minimum (high) for 16 elements each, pairs of bits, d, dmin: q·d·scale − dmin·minimum
void expand_q2_k(std::byte const* block, float* values) {
    float const d = half_at(block + 80), dmin = half_at(block + 82);
    for (int i = 0; i < 256; ++i) {
        int const scales = byte_at(block + i / 16);
        values[i] = d * float(scales & 15) * float(pair_of_bits(block + 16, i)) - dmin * float(scales >> 4);
    }
}

// Six bits of scale i of 16: four in the first 8 bytes, two in the last 4.
int q3_scale(std::byte const* packed, int i) {
    int const low = i < 8 ? byte_at(packed + i) & 15 : byte_at(packed + i - 8) >> 4;
    return (low | (byte_at(packed + 8 + i % 4) >> i / 4 * 2 & 3) << 4) - 32;
}

// Third bits (bit i/32 of byte i%32), pairs of bits, scales, d: (q − 4)·d·scale where q's third bit is 4.
void expand_q3_k(std::byte const* block, float* values) {
    float const d = half_at(block + 108);
    for (int i = 0; i < 256; ++i) {
        int const third = byte_at(block + i % 32) >> i / 32 & 1;
        int const q = (pair_of_bits(block + 32, i) | third << 2) - 4;
        values[i] = d * float(q3_scale(block + 96, i / 16)) * float(q);
    }
}

constexpr ggml_block blocks[] = {
    {3, "Q4_1", 32, 20, expand_q4_1},   {6, "Q5_0", 32, 22, expand_q5_0},    {7, "Q5_1", 32, 24, expand_q5_1},
    {10, "Q2_K", 256, 84, expand_q2_k}, {11, "Q3_K", 256, 110, expand_q3_k},
};

} // namespace

ggml_block const* find_ggml_block(std::uint32_t number) {
    auto const found = std::ranges::find(blocks, number, &ggml_block::number);
    return found == std::end(blocks) ? nullptr : found;
}

void expand_blocks(ggml_block const& format, std::span<std::byte const> from, std::span<std::byte> halves) {
    assert(from.size() / format.bytes * format.elements * 2 == halves.size());
    std::array<float, 256> values;
    for (std::size_t at = 0; at < from.size(); at += format.bytes)
        for (format.expand(&from[at], values.data()); float value : std::span(values).first(format.elements)) {
            std::uint16_t const bits = f16_bits(value);
            std::memcpy(halves.data(), &bits, sizeof bits);
            halves = halves.subspan(sizeof bits);
        }
}

} // namespace sfumato
