// channel_means with moments before it.
#include "tests/kernels/norm_reference.h"

#include <numeric>

namespace sfumato {
namespace {

void check(shape const& s, dtype type = dtype::f32, float offset = 0) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(testing::Message() << s.n << " × " << s.h << " × " << s.w << " × " << s.c << ", type " << int(type)
                                        << ", offset " << offset << ", software " << to.software);
        auto const x = rounded(random_values(s.count(), offset - 3, offset + 5, unsigned(s.c)), type);
        kernel_run r(to);
        tensor const means = channel_means(r.g, r.input(s, x, type));
        r.g.output(means);
        r.run();
        ASSERT_EQ(means.shape, (shape{.n = s.n, .c = s.c}));
        auto const got = r.download(means);
        std::size_t const pixels = std::size_t(s.h) * s.w;
        for (int n = 0; n < s.n; ++n)
            for (int c = 0; c < s.c; ++c) {
                double sum = 0;
                for (std::size_t i = 0; i < pixels; ++i) sum += x[(n * pixels + i) * s.c + c];
                EXPECT_NEAR(got[n * s.c + c], sum / double(pixels), 1e-6 * (10 + std::abs(offset)));
            }
    }
}

TEST(channel_means, any_shape) {
    for (shape const& s :
         {shape{1, 1, 1, 1}, {2, 5, 7, 3}, {3, 64, 63, 4}, {1, 1, 257, 40}, {2, 31, 33, 128}, {1, 1009, 1, 1}})
        check(s);
}

TEST(channel_means, any_type) {
    for (dtype type : float_types)
        for (int c : {6, 64}) check({2, 17, 12, c}, type, 100);
}

} // namespace
} // namespace sfumato
