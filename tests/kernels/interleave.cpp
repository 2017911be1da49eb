#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

struct problem {
    shape small; // c: of the result
    int r, height, width;
    int top = -1, left = 0; // of the base; −1: there is none
};

void check(problem const& p, dtype type) {
    auto const [n, h, w, c] = p.small;
    SCOPED_TRACE(testing::Message() << n << " × " << h << " × " << w << " × " << c << ", " << p.r << " → " << p.height
                                    << " × " << p.width << ", base " << p.top << ", " << p.left);
    shape const packed{n, h, w, c * p.r * p.r}, to{n, p.height, p.width, c},
        around{n, p.height + 2 * p.top, p.width + 2 * p.left, c};
    auto const x = rounded(random_values(packed.count(), -2, 2, 1), type);
    auto const base = p.top < 0 ? std::vector<float>() : random_values(around.count(), -2, 2, 2);
    kernel_run run;
    std::optional<tensor> added;
    if (p.top >= 0) added = run.input(around, base);
    tensor const y = interleave(run.g, run.input(packed, x, type), p.r, p.height, p.width, added);
    ASSERT_EQ(y.shape, to);
    run.g.output(y);
    run.run();
    std::vector<float> wanted;
    for (int i = 0; i < n; ++i)
        for (int oy = 0; oy < p.height; ++oy)
            for (int ox = 0; ox < p.width; ++ox)
                for (int k = 0; k < c; ++k) {
                    std::size_t const from = (std::size_t(i) * h + oy / p.r) * w + ox / p.r;
                    float v = x[((from * p.r + oy % p.r) * p.r + ox % p.r) * c + k];
                    if (p.top >= 0)
                        v += base[((std::size_t(i) * around.h + oy + p.top) * around.w + ox + p.left) * c + k];
                    wanted.push_back(v);
                }
    if (type == dtype::f16 && p.top >= 0) // sums may be rounded down, too
        EXPECT_LT(nmse(run.download(y), wanted), nmse_limit(type));
    else
        EXPECT_EQ(run.download(y), rounded(wanted, type));
}

TEST(interleave, whole_and_cut) {
    for (dtype type : float_types)
        for (int r : {1, 2, 3})
            for (int c : {1, 3, 4, 8})
                for (int cut : {0, 1}) check({{2, 5, 4, c}, r, 5 * r - cut, 4 * r - cut}, type);
}

TEST(interleave, on_the_middle_of_a_base) {
    for (dtype type : float_types)
        for (int r : {1, 2, 3})
            for (int c : {3, 4}) {
                check({{2, 3, 5, c}, r, 3 * r, 5 * r, 0, 0}, type);
                check({{2, 3, 5, c}, r, 3 * r, 5 * r - 1, 4, 2}, type);
            }
}

} // namespace
} // namespace sfumato
