#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

std::size_t index(shape const& s, int n, int h, int w, int c) {
    return ((std::size_t(n) * s.h + h) * s.w + w) * s.c + c;
}

// Of `large` [n, h·r, w·r, c]: torch.nn.PixelUnshuffle.
std::vector<float> unshuffled(std::vector<float> const& x, shape const& large, int r) {
    shape const small{large.n, large.h / r, large.w / r, large.c * r * r};
    std::vector<float> y(x.size());
    for (int n = 0; n < large.n; ++n)
        for (int h = 0; h < large.h; ++h)
            for (int w = 0; w < large.w; ++w)
                for (int c = 0; c < large.c; ++c)
                    y[index(small, n, h / r, w / r, (c * r + h % r) * r + w % r)] = x[index(large, n, h, w, c)];
    return y;
}

void check(shape const& large, int r, dtype type) {
    auto const x = rounded(random_values(large.count(), -2, 2, 1), type);
    kernel_run run;
    tensor const small = pixel_unshuffle(run.g, run.input(large, x, type), r), back = pixel_shuffle(run.g, small, r);
    ASSERT_EQ(small.shape, (shape{large.n, large.h / r, large.w / r, large.c * r * r}));
    ASSERT_EQ(back.shape, large);
    run.g.output(small);
    run.g.output(back);
    run.run();
    EXPECT_EQ(run.download(small), unshuffled(x, large, r)) << large.w << " × " << large.h << ", " << r;
    EXPECT_EQ(run.download(back), x) << large.w << " × " << large.h << ", " << r;
}

TEST(pixel_shuffle, there_and_back) {
    for (dtype type : float_types)
        for (int r : {1, 2, 3, 4})
            for (shape s : {shape{}, shape{1, 5, 7, 3}, shape{2, 1, 13, 1}, shape{3, 11, 1, 5}})
                check({s.n, s.h * r, s.w * r, s.c}, r, type);
}

// Added to what is shuffled: another picture, by nearest neighbour.
TEST(pixel_shuffle, base) {
    for (dtype type : float_types)
        for (int r : {2, 3}) {
            shape const s{2, 5, 7, 3}, large{s.n, s.h * r, s.w * r, s.c};
            auto const values = rounded(random_values(large.count(), -2, 2, 1), type), base = random_values(s.count());
            kernel_run run;
            tensor const small = pixel_unshuffle(run.g, run.input(large, values, type), r),
                         sum = pixel_shuffle(run.g, small, r, run.input(s, base));
            run.g.output(sum);
            run.run();
            std::vector<float> wanted;
            for (int n = 0; n < large.n; ++n)
                for (int h = 0; h < large.h; ++h)
                    for (int w = 0; w < large.w; ++w)
                        for (int c = 0; c < large.c; ++c)
                            wanted.push_back(values[wanted.size()] + base[index(s, n, h / r, w / r, c)]);
            EXPECT_EQ(run.download(sum), rounded(wanted, type)) << r;
        }
}

TEST(pixel_shuffle, more_groups_than_one_direction_holds) { check({1, 2, 350'003 * 2, 3}, 2, dtype::f16); }

} // namespace
} // namespace sfumato
