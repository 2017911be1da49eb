#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

double activate(activation which, double x) {
    switch (which) {
    case activation::silu: return x / (1 + std::exp(-x));
    case activation::gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
    default: return x;
    }
}

struct problem {
    int m, n, k;
    bool bias = false, residual = false;
    sfumato::activation activation = activation::none;
};

// In fp64.
std::vector<float> reference(problem const& p, std::vector<float> const& x, std::vector<float> const& w,
                             std::vector<float> const& bias, std::vector<float> const& residual) {
    std::vector<float> y(std::size_t(p.m) * p.n);
    for (int i = 0; i < p.m; ++i)
        for (int j = 0; j < p.n; ++j) {
            double sum = p.bias ? bias[j] : 0;
            for (int k = 0; k < p.k; ++k) sum += double(x[std::size_t(i) * p.k + k]) * w[std::size_t(j) * p.k + k];
            std::size_t const at = std::size_t(i) * p.n + j;
            y[at] = float(activate(p.activation, sum) + (p.residual ? residual[at] : 0));
        }
    return y;
}

void check(problem const& p) {
    SCOPED_TRACE(testing::Message() << p.m << " × " << p.n << " × " << p.k);
    auto const x = random_values(std::size_t(p.m) * p.k, -1, 1, 1), w = random_values(std::size_t(p.n) * p.k, -1, 1, 2);
    auto const bias = random_values(p.n, -1, 1, 3), residual = random_values(std::size_t(p.m) * p.n, -1, 1, 4);
    kernel_run r;
    linear_options options{.activation = p.activation};
    tensor const tx = r.input({.w = p.m, .c = p.k}, x), tw = r.input({.w = p.n, .c = p.k}, w);
    if (p.bias) options.bias = r.input({.c = p.n}, bias);
    if (p.residual) options.residual = r.input({.w = p.m, .c = p.n}, residual);
    tensor const y = linear(r.g, tx, linear_pack(r.g, tw), options);
    r.g.output(y);
    r.run();
    EXPECT_LT(nmse(r.download(y), reference(p, x, w, bias, residual)),
              1e-11 * std::max(1.0, p.k / 4096.0)); // fp32 sums lose a little with length
}

TEST(linear, any_size) {
    for (problem const& p : {problem{1, 1, 1},
                             {1, 16, 16},
                             {6, 16, 16},
                             {7, 17, 15},
                             {5, 8, 33},
                             {13, 31, 61},
                             {97, 40, 77},
                             {193, 320, 40},
                             {2, 3, 70001},
                             {70001, 1, 2}})
        check(p);
}

TEST(linear, epilogues) {
    for (auto a : {activation::none, activation::silu, activation::gelu_tanh, activation::quick_gelu})
        for (bool bias : {false, true})
            for (bool residual : {false, true}) check({19, 37, 48, bias, residual, a});
}

TEST(linear, large_magnitudes_do_not_overflow) {
    problem const p{8, 16, 256};
    std::vector<float> const x(p.m * p.k, 3e4f), w(p.n * p.k, 3e4f);
    kernel_run r;
    tensor const y = linear(r.g, r.input({.w = p.m, .c = p.k}, x), linear_pack(r.g, r.input({.w = p.n, .c = p.k}, w)));
    r.g.output(y);
    r.run();
    for (float v : r.download(y)) ASSERT_NEAR(v, 3e4f * 3e4f * 256, 1e-5 * 3e4 * 3e4 * 256);
}

} // namespace
} // namespace sfumato
