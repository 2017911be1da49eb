#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

// The formula of diffusers' get_timestep_embedding in fp64.
std::vector<float> sinusoids(std::vector<float> const& t, int channels, bool cos_first, double shift) {
    int const half = channels / 2;
    std::vector<float> y(t.size() * std::size_t(channels));
    for (std::size_t n = 0; n < t.size(); ++n)
        for (int i = 0; i < half; ++i) {
            double const angle = t[n] * (i == 0 ? 1 : std::exp(-std::log(10000.0) * i / (half - shift)));
            float* const row = &y[n * std::size_t(channels)];
            row[cos_first ? i : half + i] = float(std::cos(angle));
            row[cos_first ? half + i : i] = float(std::sin(angle));
        }
    return y;
}

void check(std::vector<float> const& t, int channels, bool cos_first, float shift) {
    kernel_run r;
    tensor const y = timestep_embedding(r.g, r.input({.c = int(t.size())}, t), channels, cos_first, shift);
    ASSERT_EQ(y.shape, (shape{.n = int(t.size()), .c = channels}));
    r.g.output(y);
    r.run();
    auto const wanted = sinusoids(t, channels, cos_first, shift), got = r.download(y);
    EXPECT_LE(nmse(got, wanted), 1e-11) << channels << ", " << cos_first << ", " << shift;
    for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], wanted[i], 2e-6) << i << " of " << channels << ", t " << t[i / std::size_t(channels)];
}

TEST(timestep_embedding, both_orders_and_shifts) {
    for (int channels : {2, 4, 6, 254, 256, 320})
        for (bool cos_first : {true, false})
            for (float shift : {0.0f, 1.0f}) {
                check({999}, channels, cos_first, shift);
                check({0, 1, 500.5f, 0.0625f, 981.32f, 1000, -3.7f, 4096, 1e-5f}, channels, cos_first, shift);
            }
}

TEST(timestep_embedding, every_timestep) {
    std::vector<float> t(1000);
    for (std::size_t i = 0; i < t.size(); ++i) t[i] = float(i);
    check(t, 320, true, 0);
}

TEST(timestep_embedding, more_groups_than_one_direction_holds) {
    auto const t = random_values(14'009, 0, 1000, 1);
    check(t, 320, true, 0);
}

} // namespace
} // namespace sfumato
