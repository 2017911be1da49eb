#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

using byte = std::uint8_t;
using bytes = std::vector<byte>;

float half(byte const* at) { return f16_value(std::uint16_t(at[0] | at[1] << 8)); }

// One block as GGUF's tensors of that type store it, element by element.
struct layout {
    block_format format;
    std::size_t elements, bytes;
    std::vector<std::size_t> halves; // where the block's fp16 numbers stand
    double (*value)(byte const* block, int e);
};

double q8_0(byte const* b, int e) { return half(b) * double(std::int8_t(b[2 + e])); }

double q4_0(byte const* b, int e) { return half(b) * ((e < 16 ? b[2 + e] & 15 : b[2 + e - 16] >> 4) - 8.0); }

struct scale_and_minimum {
    double scale, minimum;
};
scale_and_minimum six_bit_pair(byte const* b, int j) {
    if (j < 4) return {double(b[j] & 63), double(b[j + 4] & 63)};
    return {double((b[j + 4] & 15) | (b[j - 4] >> 6) << 4), double((b[j + 4] >> 4) | (b[j] >> 6) << 4)};
}

double q4_k(byte const* b, int e) {
    byte const packed = b[16 + e / 64 * 32 + e % 32];
    auto const [scale, minimum] = six_bit_pair(b + 4, e / 32);
    return double(half(b)) * scale * (e % 64 < 32 ? packed & 15 : packed >> 4) - double(half(b + 2)) * minimum;
}

double q5_k(byte const* b, int e) {
    byte const packed = b[48 + e / 64 * 32 + e % 32];
    int const q = (e % 64 < 32 ? packed & 15 : packed >> 4) + ((b[16 + e % 32] >> e / 32 & 1) ? 16 : 0);
    auto const [scale, minimum] = six_bit_pair(b + 4, e / 32);
    return double(half(b)) * scale * q - double(half(b + 2)) * minimum;
}

double q6_k(byte const* b, int e) {
    int const part = e / 128, in_part = e % 128, l = e % 32;
    byte const low = b[part * 64 + in_part % 64], high = b[128 + part * 32 + l];
    int const q = (in_part < 64 ? low & 15 : low >> 4) | (high >> in_part / 32 * 2 & 3) << 4;
    return double(half(b + 208)) * std::int8_t(b[192 + e / 16]) * (q - 32);
}

layout const layouts[] = {
    {block_format::q8_0, 32, 34, {0}, q8_0},      {block_format::q4_0, 32, 18, {0}, q4_0},
    {block_format::q4_k, 256, 144, {0, 2}, q4_k}, {block_format::q5_k, 256, 176, {0, 2}, q5_k},
    {block_format::q6_k, 256, 210, {208}, q6_k},
};

std::vector<std::uint32_t> words(bytes const& data) {
    std::vector<std::uint32_t> w((data.size() + 3) / 4);
    std::memcpy(w.data(), data.data(), data.size());
    return w;
}

std::vector<float> dequantized(bytes const& raw, block_format f, shape to, dtype type) {
    auto const padded = words(raw);
    kernel_run r;
    tensor const y = dequantize(r.g, r.input({.c = int(padded.size())}, padded), f, to, type);
    EXPECT_EQ(y.shape, to);
    EXPECT_EQ(y.type, type);
    r.g.output(y);
    r.run();
    return r.download(y);
}

// Random, with fp16 numbers below 2, or all subnormal.
bytes random_blocks(layout const& l, std::size_t blocks, bool subnormal, unsigned seed) {
    std::mt19937 generator(seed);
    bytes raw(blocks * l.bytes);
    for (byte& b : raw) b = byte(generator());
    for (std::size_t k = 0; k < blocks; ++k)
        for (std::size_t at : l.halves) raw[k * l.bytes + at + 1] &= subnormal ? 0x83 : 0xbf;
    return raw;
}

void check(layout const& l, shape to, bool subnormal, dtype type) {
    auto const raw = random_blocks(l, to.count() / l.elements, subnormal, unsigned(to.count()));
    ASSERT_EQ(raw.size(), block_bytes(l.format, to.count()));
    std::vector<float> wanted(to.count());
    for (std::size_t i = 0; i < wanted.size(); ++i)
        wanted[i] = float(l.value(&raw[i / l.elements * l.bytes], int(i % l.elements)));
    EXPECT_LE(nmse(dequantized(raw, l.format, to, type), wanted), nmse_limit(type))
        << "format " << int(l.format) << ", " << to.count() << (subnormal ? ", subnormal" : "");
}

TEST(dequantize, blocks) {
    for (layout const& l : layouts)
        for (dtype type : float_types)
            for (bool subnormal : {false, true})
                for (int blocks : {1, 3, 7 * 13}) {
                    check(l, {.c = blocks * int(l.elements)}, subnormal, type);
                    check(l, {2, 3, blocks, int(l.elements)}, subnormal, type);
                }
}

TEST(dequantize, more_groups_than_one_direction_holds) {
    layout const& q4_0 = layouts[1];
    check(q4_0, {.w = 4'099, .c = 2048}, false, dtype::f16);
}

double e4m3(byte b) {
    if ((b & 127) == 127) return std::nan("");
    int const exponent = b >> 3 & 15, mantissa = b & 7;
    double const value = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
    return b & 128 ? -value : value;
}

double e5m2(byte b) {
    int const exponent = b >> 2 & 31, mantissa = b & 3;
    double const value = exponent == 0    ? std::ldexp(mantissa, -16)
                         : exponent == 31 ? (mantissa ? std::nan("") : HUGE_VAL)
                                          : std::ldexp(4 + mantissa, exponent - 17);
    return b & 128 ? -value : value;
}

// Every pattern is exact in every type.
TEST(dequantize, eight_bit_floats) {
    for (dtype type : float_types)
        for (block_format f : {block_format::f8_e4m3, block_format::f8_e5m2})
            for (int count : {1, 2, 3, 5, 256, 1021}) {
                bytes raw;
                for (int i = 0; i < count; ++i) raw.push_back(byte(count < 256 ? 37 * i + 121 : i));
                ASSERT_EQ(raw.size(), block_bytes(f, std::size_t(count)));
                auto const got = dequantized(raw, f, {.c = count}, type);
                for (std::size_t i = 0; i < raw.size(); ++i) {
                    double const wanted = f == block_format::f8_e4m3 ? e4m3(raw[i]) : e5m2(raw[i]);
                    if (std::isnan(wanted))
                        ASSERT_TRUE(std::isnan(got[i])) << int(raw[i]);
                    else
                        ASSERT_EQ(got[i], wanted) << "byte " << int(raw[i]) << ", format " << int(f);
                }
            }
}

} // namespace
} // namespace sfumato
