#include "tests/kernels/norm_reference.h"

#include <limits>

namespace sfumato {
namespace {

std::vector<float> reference(std::vector<float> const& x, std::size_t columns, double factor) {
    std::vector<float> y(x.size());
    for (std::size_t row = 0; row < x.size(); row += columns) {
        double top = -std::numeric_limits<double>::infinity(), sum = 0;
        for (std::size_t i = row; i < row + columns; ++i) top = std::max(top, x[i] * factor);
        for (std::size_t i = row; i < row + columns; ++i) sum += std::exp(x[i] * factor - top);
        for (std::size_t i = row; i < row + columns; ++i) y[i] = float(std::exp(x[i] * factor - top) / sum);
    }
    return y;
}

void check(shape const& s, dtype type = dtype::f32, float range = 5, float factor = 1) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(testing::Message() << s.n << " × " << s.h << " × " << s.w << " × " << s.c << ", type " << int(type)
                                        << ", software " << to.software);
        auto const x = rounded(random_values(s.count(), -range, range), type);
        kernel_run r(to);
        tensor const y = softmax(r.g, r.input(s, x, type), factor);
        r.g.output(y);
        r.run();
        EXPECT_LT(nmse(r.download(y), reference(x, s.c, factor)), nmse_limit(type));
    }
}

TEST(softmax, any_width) {
    for (int c : {1, 2, 3, 4, 7, 8, 31, 32, 33, 64, 77, 127, 128, 129, 160, 1024, 1031, 4096})
        check({.h = 3, .w = 5, .c = c});
}

TEST(softmax, any_number_of_rows) {
    for (shape const& s : {shape{1, 1, 1, 5}, {1, 1, 65, 12}, {2, 3, 7, 77}, {1, 1, 66000, 3}}) check(s);
    check({.w = 600011, .c = 1}); // more than 65,535 workgroups
}

TEST(softmax, any_type) {
    for (dtype type : float_types)
        for (int c : {1, 7, 10, 77, 128, 332}) check({.w = 19, .c = c}, type);
}

TEST(softmax, large_numbers_and_factors) {
    check({.w = 9, .c = 300}, dtype::f32, 3e4f);
    check({.w = 9, .c = 300}, dtype::f32, 3e4f, 1e-3f);
    check({.w = 9, .c = 300}, dtype::f16, 6e4f, 0.125f);
    check({.w = 9, .c = 301}, dtype::f32, 1e30f);
}

TEST(softmax, masked_columns_get_nothing) {
    auto x = random_values(5 * 100, -1, 1);
    for (std::size_t i = 0; i < x.size(); ++i)
        if (i % 100 >= 40 || i % 3 == 0) x[i] = -std::numeric_limits<float>::infinity();
    kernel_run r;
    tensor const y = softmax(r.g, r.input({.w = 5, .c = 100}, x));
    r.g.output(y);
    r.run();
    auto const got = r.download(y);
    EXPECT_LT(nmse(got, reference(x, 100, 1)), nmse_limit(dtype::f32));
    for (std::size_t i = 0; i < x.size(); ++i)
        if (std::isinf(x[i])) {
            EXPECT_EQ(got[i], 0);
        }
}

} // namespace
} // namespace sfumato
