// ./run test --slow: shapes of SD1.5's UNet and VAE at 512², where rows, columns and sums are long. A sample of each
// result is compared; every number of it must be finite.
#include "tests/kernels/product_reference.h"

namespace sfumato {
namespace {

struct sample {
    double error = 0, power = 0;
    void add(double got, double wanted) {
        error += (got - wanted) * (got - wanted);
        power += wanted * wanted;
    }
    double nmse() const { return error / power; }
};

void expect_finite(std::vector<float> const& values) {
    EXPECT_TRUE(std::ranges::all_of(values, [](float v) { return std::isfinite(v); }));
}

TEST(real_shapes, linear) {
    for (auto [m, n, k] : {std::array{4096, 2560, 320}, {4096, 320, 1280}, {256, 1280, 5120}, {77, 768, 3072}}) {
        auto const x = rounded(random_values(std::size_t(m) * k, -1, 1, 1), operand_type(dtype::f32));
        auto const w = rounded(random_values(std::size_t(n) * k, -1, 1, 2), dtype::f16);
        kernel_run r;
        tensor const y = linear(r.g, r.input({.w = m, .c = k}, x),
                                pack_linear(r.g, r.input({.w = n, .c = k}, w), weight_format::f16));
        r.g.output(y);
        r.run();
        auto const got = r.download(y);
        expect_finite(got);
        sample s;
        for (int i = 0; i < m; i += 37)
            for (int j = 0; j < n; j += 29) {
                double sum = 0;
                for (int l = 0; l < k; ++l) sum += double(x[std::size_t(i) * k + l]) * w[std::size_t(j) * k + l];
                s.add(got[std::size_t(i) * n + j], sum);
            }
        EXPECT_LT(s.nmse(), product_limit(dtype::f32, k)) << m << " × " << n << " × " << k;
    }
}

TEST(real_shapes, conv2d) {
    for (auto [side, inputs, outputs] : {std::array{64, 320, 320}, {16, 2560, 1280}, {256, 128, 128}}) {
        auto const x = rounded(random_values(std::size_t(side) * side * inputs, -1, 1, 1), operand_type(dtype::f32));
        auto const w = rounded(random_values(std::size_t(outputs) * inputs * 9, -1, 1, 2), dtype::f16);
        kernel_run r;
        tensor const y = conv2d(r.g, r.input({.h = side, .w = side, .c = inputs}, x),
                                pack_conv2d(r.g, r.input({outputs, inputs, 3, 3}, w), weight_format::f16));
        r.g.output(y);
        r.run();
        auto const got = r.download(y);
        expect_finite(got);
        sample s;
        for (int pixel = 0; pixel < side * side; pixel += side * side / 53)
            for (int o = 0; o < outputs; o += 41) {
                double sum = 0;
                for (int tap = 0; tap < 9; ++tap) {
                    int const iy = pixel / side + tap / 3 - 1, ix = pixel % side + tap % 3 - 1;
                    if (iy < 0 || iy >= side || ix < 0 || ix >= side) continue;
                    for (int c = 0; c < inputs; ++c)
                        sum += double(x[(std::size_t(iy) * side + ix) * inputs + c]) *
                               w[(std::size_t(o) * inputs + c) * 9 + tap];
                }
                s.add(got[std::size_t(pixel) * outputs + o], sum);
            }
        EXPECT_LT(s.nmse(), product_limit(dtype::f32, inputs * 9)) << side << "² " << inputs << " → " << outputs;
    }
}

TEST(real_shapes, attention) {
    for (auto [queries, keys, heads, d] :
         {std::array{4096, 4096, 8, 40}, {4096, 77, 8, 40}, {1024, 1024, 8, 80}, {4096, 4096, 1, 512}}) {
        int const c = heads * d;
        auto const values = [&](int rows, unsigned seed) {
            return rounded(random_values(std::size_t(rows) * c, -1, 1, seed), operand_type(dtype::f32));
        };
        auto const q = values(queries, 1), k = values(keys, 2), v = values(keys, 3);
        kernel_run r;
        tensor const y = attention(r.g, r.input({.w = queries, .c = c}, q), r.input({.w = keys, .c = c}, k),
                                   r.input({.w = keys, .c = c}, v), {.heads = heads});
        r.g.output(y);
        r.run();
        auto const got = r.download(y);
        expect_finite(got);
        sample s;
        for (int i = 0; i < queries; i += queries / 31)
            for (int head = 0; head < heads; ++head) {
                std::vector<double> weights(keys), sums(d);
                double total = 0;
                for (int j = 0; j < keys; ++j) {
                    double score = 0;
                    for (int l = head * d; l < (head + 1) * d; ++l)
                        score += double(q[std::size_t(i) * c + l]) * k[std::size_t(j) * c + l];
                    total += weights[j] = std::exp(score / std::sqrt(double(d)));
                    for (int l = 0; l < d; ++l) sums[l] += weights[j] * v[std::size_t(j) * c + head * d + l];
                }
                for (int l = 0; l < d; ++l) s.add(got[std::size_t(i) * c + head * d + l], sums[l] / total);
            }
        bool const halves = operand_type(dtype::f32) == dtype::f16;
        EXPECT_LT(s.nmse(), halves ? 1e-6 : 1e-11) << queries << " × " << keys << ", " << heads << " × " << d;
    }
}

} // namespace
} // namespace sfumato
