#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

using std::uint32_t;
using std::uint64_t;

std::vector<float> drawn(uint64_t seed, uint32_t offset, shape s) {
    kernel_run r;
    tensor const y = random_normal(r.g, r.input<uint32_t>({.c = 3}, {uint32_t(seed), uint32_t(seed >> 32), offset}), s);
    r.g.output(y);
    r.run();
    return r.download(y);
}

// Philox 4×32-10 (Salmon et al. 2011).
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; ++round) {
        uint64_t const a = uint64_t(counter[0]) * 0xd2511f53, b = uint64_t(counter[2]) * 0xcd9e8d57;
        counter = {uint32_t(b >> 32) ^ counter[1] ^ key0, uint32_t(b), uint32_t(a >> 32) ^ counter[3] ^ key1,
                   uint32_t(a)};
        key0 += 0x9e3779b9;
        key1 += 0xbb67ae85;
    }
    return counter;
}

// Box–Muller with the uniforms rounded to fp32 as cuRAND rounds them, all else fp64.
std::vector<float> reference(uint64_t seed, uint32_t offset, std::size_t count) {
    std::vector<float> y;
    for (std::size_t i = 0; i < count; ++i) {
        auto const random = philox({offset, 0, uint32_t(i), 0}, uint32_t(seed), uint32_t(seed >> 32));
        double const u = float(random[0]) * 0x1p-32f + 0x1p-33f, v = (random[1] + 0.5) * 0x1p-32;
        y.push_back(float(std::sqrt(-2 * std::log(u)) * std::sin(2 * M_PI * v)));
    }
    return y;
}

// Known answers of the paper's library (Random123): zeros, and all bits set.
TEST(random_normal, reference_is_philox) {
    EXPECT_EQ(philox({}, 0, 0), (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u),
              (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(random_normal, as_torch_draws_on_cuda) {
    // torch.manual_seed(0); torch.randn(12, device='cuda')
    float const wanted[] = {-0.92466259f, -0.42534415f, -2.6438457f,  0.14518388f,  -0.12086647f, -0.57972564f,
                            -0.62285122f, -0.32838709f, -1.07454231f, -0.36314407f, -1.67105067f, 2.26550497f};
    auto const got = drawn(0, 0, {.h = 3, .w = 4});
    for (std::size_t i = 0; i < std::size(wanted); ++i)
        EXPECT_NEAR(got[i], wanted[i], 4e-7f * std::abs(wanted[i])) << i;
}

TEST(random_normal, any_seed_offset_and_size) {
    for (uint64_t seed : {uint64_t(1), 0xfedcba9876543210u, ~uint64_t(0)})
        for (uint32_t offset : {0u, 7u, ~0u})
            for (shape s : {shape{}, shape{1, 5, 7, 3}, shape{2, 64, 64, 4}})
                EXPECT_LE(nmse(drawn(seed, offset, s), reference(seed, offset, s.count())), 1e-12)
                    << seed << ", " << offset << ", " << s.count();
}

TEST(random_normal, more_groups_than_one_direction_holds) {
    shape const s{.h = 2039, .w = 2003};
    auto const got = drawn(5, 1, s), wanted = reference(5, 1, s.count());
    EXPECT_LE(nmse(got, wanted), 1e-12);
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], wanted[i], 1e-5) << i;
}

} // namespace
} // namespace sfumato
