// statistics with moments before it.
#include "tests/kernels/norm_reference.h"

#include <limits>
#include <numeric>

namespace sfumato {
namespace {

std::vector<float> measure(shape const& s, std::vector<float> const& x, dtype type, target const& to) {
    kernel_run r(to);
    tensor const found = statistics(r.g, r.input(s, x, type));
    r.g.output(found);
    r.run();
    EXPECT_EQ(found.shape, (shape{.n = s.n, .c = 5}));
    return r.download(found);
}

void check(shape const& s, dtype type = dtype::f32, float offset = 0) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(testing::Message() << s.n << " × " << s.h << " × " << s.w << " × " << s.c << ", type " << int(type)
                                        << ", offset " << offset << ", software " << to.software);
        auto const x = rounded(random_values(s.count(), offset - 3, offset + 5, unsigned(s.c)), type);
        auto const got = measure(s, x, type, to);
        std::size_t const image = s.count() / s.n;
        for (int n = 0; n < s.n; ++n) {
            std::vector<std::size_t> indices(image);
            std::iota(indices.begin(), indices.end(), n * image);
            auto const m = moments_of(x, indices);
            auto const [low, high] = std::minmax_element(x.begin() + n * image, x.begin() + (n + 1) * image);
            EXPECT_NEAR(got[5 * n], m.mean, 1e-6 * (10 + std::abs(offset)));
            EXPECT_NEAR(got[5 * n + 1], m.variance, 3e-6 * (m.variance + 1e-3));
            EXPECT_EQ(got[5 * n + 2], *low);
            EXPECT_EQ(got[5 * n + 3], *high);
            EXPECT_EQ(got[5 * n + 4], 0);
        }
    }
}

TEST(statistics, any_shape) {
    for (shape const& s : {shape{1, 1, 1, 1},
                           {1, 1, 1, 70001},
                           {2, 5, 7, 3},
                           {3, 64, 63, 4},
                           {1, 1, 257, 40},
                           {2, 31, 33, 128},
                           {1, 1009, 1, 1}})
        check(s);
}

TEST(statistics, any_type) {
    for (dtype type : float_types)
        for (int c : {1, 6, 63, 64}) check({2, 17, 12, c}, type);
}

TEST(statistics, a_mean_far_larger_than_the_deviations) {
    for (float offset : {1e3f, -1e4f, 1e5f}) check({1, 100, 90, 8}, dtype::f32, offset);
}

TEST(statistics, counts_what_is_not_finite) {
    shape const s{.n = 2, .h = 50, .w = 25, .c = 4};
    auto x = random_values(s.count(), -1, 1);
    x[0] = std::nanf("");
    x[77] = std::numeric_limits<float>::infinity();
    x[4999] = -std::numeric_limits<float>::infinity();
    for (target const& to : norm_targets()) {
        auto const got = measure(s, x, dtype::f32, to);
        EXPECT_EQ(got[4], 3);
        EXPECT_LT(got[3], 1);
        EXPECT_GE(got[2], -1);
        EXPECT_EQ(got[9], 0); // the second image
    }
}

} // namespace
} // namespace sfumato
