// The layout of panels; what it does to numbers is seen in gemm.cpp.
#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

TEST(gemm_pack, sixteen_outputs_beside_each_other_and_a_row_of_zeros) {
    int const n = 19, k = 5;
    auto const w = random_values(n * k, -1, 1);
    kernel_run r;
    packed_weights const packed = pack_linear(r.g, r.input({.w = n, .c = k}, w), weight_format::f32);
    r.g.output(packed.panels);
    r.run();
    auto const words = r.download<std::uint32_t>(packed.panels);
    ASSERT_EQ(words.size(), 2u * k * 16 + k);
    for (int i = 0; i < int(words.size()); ++i) {
        int const panel = i / (k * 16), row = i % (k * 16) / 16, column = panel * 16 + i % 8 * 2 + i % 16 / 8;
        ASSERT_EQ(std::bit_cast<float>(words[i]), panel < 2 && column < n ? w[column * k + row] : 0.f) << i;
    }
}

TEST(gemm_pack, halves_lie_in_pairs) {
    int const n = 16, k = 3;
    for (auto type : {dtype::f16, dtype::bf16}) {
        auto const w = rounded(random_values(n * k, -1, 1), type);
        kernel_run r;
        packed_weights const packed = pack_linear(r.g, r.input({.w = n, .c = k}, w, type),
                                                  type == dtype::f16 ? weight_format::f16 : weight_format::bf16);
        r.g.output(packed.panels);
        r.run();
        auto const words = r.download<std::uint32_t>(packed.panels);
        auto const bits = type == dtype::f16 ? f16_bits : bf16_bits;
        for (int row = 0; row < k; ++row)
            for (int i = 0; i < 8; ++i)
                ASSERT_EQ(words[row * 8 + i], bits(w[2 * i * k + row]) | std::uint32_t(bits(w[(2 * i + 1) * k + row]))
                                                                             << 16);
    }
}

// Packing what was unpacked from a file's own blocks loses nothing: quantising is exact on its own results.
TEST(gemm_pack, quantising_again_changes_nothing) {
    int const n = 16, k = 64;
    auto const scales = rounded(random_values(n * k / 32, 0.001f, 0.1f, 3), dtype::f16);
    auto const raw = random_values(n * k, -127.49f, 127.49f, 4);
    std::vector<float> w(n * k);
    for (int i = 0; i < n * k; ++i) w[i] = (i % 32 == 5 ? -127.f : std::nearbyint(raw[i])) * scales[i / 32];
    kernel_run r;
    packed_weights const packed = pack_linear(r.g, r.input({.w = n, .c = k}, w), weight_format::q8_0);
    r.g.output(packed.panels);
    r.run();
    auto const words = r.download<std::uint32_t>(packed.panels);
    for (int row = 0; row < k; ++row)
        for (int i = 0; i < n; ++i) {
            std::size_t const block = row / 32 * 136;
            float const scale = f16_value(std::uint16_t(words[block + i / 2] >> (16 * (i % 2))));
            std::uint32_t const word = words[block + 8 + row % 32 / 2 * 8 + i / 2];
            auto const value = std::int8_t(word >> (16 * (row % 2) + 8 * (i % 2)));
            ASSERT_EQ(scale * value, w[i * k + row]) << row << ", " << i;
        }
}

} // namespace
} // namespace sfumato
