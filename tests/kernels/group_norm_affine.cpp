// group_norm_affine with moments before it.
#include "tests/kernels/norm_reference.h"

namespace sfumato {
namespace {

struct problem {
    shape x;
    int groups;
    dtype type = dtype::f32, parameters = dtype::f32;
    float offset = 0; // of x, whose deviation is about 0.6
    float eps = 1e-5f;
};

void check(problem const& p, double limit = nmse_limit(dtype::f32)) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(testing::Message() << p.x.n << " × " << p.x.h << " × " << p.x.w << " × " << p.x.c << " in "
                                        << p.groups << ", types " << int(p.type) << int(p.parameters) << ", offset "
                                        << p.offset << ", software " << to.software);
        auto x = random_values(p.x.count(), p.offset - 1, p.offset + 1);
        x[x.size() / 2] += 20; // something that stands out
        x = rounded(x, p.type);
        auto const weight = rounded(random_values(p.x.c, 0.5, 2, 2), p.parameters);
        auto const bias = rounded(random_values(p.x.c, -1, 1, 3), p.parameters);
        kernel_run r(to);
        tensor const affine =
            group_norm_affine(r.g, r.input(p.x, x, p.type), p.groups, r.input({.c = p.x.c}, weight, p.parameters),
                              r.input({.c = p.x.c}, bias, p.parameters), p.eps);
        r.g.output(affine);
        r.run();
        auto const wanted = group_norm_reference(p.x, x, p.groups, weight, bias, p.eps);
        EXPECT_LT(nmse(r.download(affine), std::vector<float>(wanted.begin(), wanted.end())), limit);
    }
}

TEST(group_norm_affine, any_shape) {
    check({{1, 1, 1, 1}, 1});
    check({{1, 1, 1, 6}, 3});
    check({{2, 5, 7, 10}, 5});
    check({{1, 13, 11, 33}, 11});
    check({{3, 9, 31, 34}, 17});
    check({{1, 1, 4001, 4}, 2});
    check({{1, 67, 131, 32}, 32}); // a channel a group
    check({{2, 1, 2, 2560}, 32});
    check({{1, 1, 1, 264000}, 66000}); // as many workgroups
}

TEST(group_norm_affine, sizes_of_networks) {
    check({.x = {2, 64, 64, 320}, .groups = 32});
    check({.x = {1, 16, 16, 1280}, .groups = 32});
    check({.x = {1, 128, 128, 128}, .groups = 32, .eps = 1e-6f});
}

TEST(group_norm_affine, any_type) {
    for (dtype type : float_types)
        for (dtype parameters : float_types)
            for (auto [c, groups] : {std::pair{9, 3}, {30, 5}, {64, 32}})
                check({{2, 10, 7, c}, groups, type, parameters});
}

// The variance is right to the last digits where E[x²] − E[x]² leaves none; the offset can be no better than fp32 has
// x itself.
TEST(group_norm_affine, a_mean_far_larger_than_the_deviations) {
    for (float offset : {1e3f, -1e4f, 1e5f})
        for (shape const& s : {shape{1, 1, 1, 320}, {1, 40, 41, 64}, {1, 100, 100, 32}})
            check({.x = s, .groups = 32, .offset = offset});
}

// Two tensors as one: groups straddle their border.
TEST(group_norm_affine, of_a_concatenation) {
    for (target const& to : norm_targets())
        for (auto [a, b] : {std::pair{20, 10}, {64, 32}, {9, 6}}) {
            shape const first{2, 37, 41, a}, second{2, 37, 41, b}, both{2, 37, 41, a + b};
            auto const x = random_values(first.count(), -1, 3, 1), y = random_values(second.count(), -5, 1, 2);
            auto const weight = random_values(a + b, 0.5, 2, 3), bias = random_values(a + b, -1, 1, 4);
            std::vector<float> joined;
            for (std::size_t row = 0; row < x.size() / a; ++row) {
                joined.insert(joined.end(), &x[row * a], &x[row * a] + a);
                joined.insert(joined.end(), &y[row * b], &y[row * b] + b);
            }
            kernel_run r(to);
            tensor const affine = group_norm_affine(r.g, r.input(first, x), 3, r.input({.c = a + b}, weight),
                                                    r.input({.c = a + b}, bias), 1e-5f, r.input(second, y));
            r.g.output(affine);
            r.run();
            auto const wanted = group_norm_reference(both, joined, 3, weight, bias, 1e-5f);
            EXPECT_LT(nmse(r.download(affine), std::vector<float>(wanted.begin(), wanted.end())),
                      nmse_limit(dtype::f32));
        }
}

TEST(group_norm_affine, a_flat_picture_is_divided_by_eps_alone) {
    kernel_run r;
    tensor const affine = group_norm_affine(
        r.g, r.input({.h = 9, .w = 30, .c = 8}, std::vector<float>(270 * 8, 1234.5f)), 2,
        r.input({.c = 8}, std::vector<float>(8, 1)), r.input({.c = 8}, std::vector<float>(8, 0)), 1e-4f);
    r.g.output(affine);
    r.run();
    auto const got = r.download(affine);
    for (int c = 0; c < 8; ++c) {
        EXPECT_NEAR(got[c], 100, 1e-3);
        EXPECT_NEAR(got[8 + c], -123450, 1);
    }
}

} // namespace
} // namespace sfumato
