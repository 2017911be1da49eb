// gemm as linear(): any size, type, weight format and epilogue. Convolutions: conv2d.cpp.
#include "tests/kernels/product_reference.h"

namespace sfumato {
namespace {

struct problem {
    int m, n, k;
    dtype x_type = dtype::f32;
    weight_format format = weight_format::f32;
    bool bias = false, channel_add = false, gate = false, residual = false, geglu = false;
    sfumato::activation activation = activation::none;
    int images = 1;
};

// Numbers that the weight format and the matrix path can hold, for formats of plain numbers.
std::vector<float> rounded_weights(std::vector<float> w, weight_format format) {
    dtype const stored = format == weight_format::f16    ? dtype::f16
                         : format == weight_format::bf16 ? dtype::bf16
                                                         : dtype::f32;
    return rounded(rounded(std::move(w), operand_type(stored)), stored);
}

struct operands {
    std::vector<float> x, w, bias, channel_add, slopes, gate, residual;
};

// images × m rows.
std::vector<float> reference(problem const& p, operands const& o) {
    int const columns = p.geglu ? p.n / 2 : p.n;
    std::vector<float> y(std::size_t(p.images) * p.m * columns);
    auto const product = [&](int row, int j) {
        double sum = p.bias ? o.bias[j] : 0;
        for (int k = 0; k < p.k; ++k) sum += double(o.x[std::size_t(row) * p.k + k]) * o.w[std::size_t(j) * p.k + k];
        return sum;
    };
    for (int row = 0; row < p.images * p.m; ++row)
        for (int j = 0; j < columns; ++j) {
            std::size_t const at = std::size_t(row) * columns + j, of_image = std::size_t(row / p.m) * columns + j;
            double v = product(row, j);
            if (p.geglu) v *= activate_reference(activation::gelu, product(row, columns + j));
            if (p.channel_add) v += o.channel_add[of_image];
            v = activate_reference(p.activation, v, p.activation == activation::prelu ? o.slopes[j] : 0.2);
            if (p.gate) v *= o.gate[of_image];
            if (p.residual) v += o.residual[at];
            y[at] = float(v);
        }
    return y;
}

void check(problem const& p) {
    SCOPED_TRACE(testing::Message() << p.images << " × " << p.m << " × " << p.n << " × " << p.k << ", x "
                                    << int(p.x_type) << ", weights " << int(p.format) << ", f " << int(p.activation));
    int const columns = p.geglu ? p.n / 2 : p.n;
    std::size_t const rows = std::size_t(p.images) * p.m;
    operands const o{.x = rounded(rounded(random_values(rows * p.k, -1, 1, 1), operand_type(p.x_type)), p.x_type),
                     .w = rounded_weights(random_values(std::size_t(p.n) * p.k, -1, 1, 2), p.format),
                     .bias = random_values(p.n, -1, 1, 3),
                     .channel_add = rounded(random_values(p.images * columns, -1, 1, 4), dtype::f16),
                     .slopes = random_values(columns, -1, 1, 5),
                     .gate = rounded(random_values(p.images * columns, -1, 1, 6), dtype::bf16),
                     .residual = rounded(random_values(rows * columns, -1, 1, 7), p.x_type)};
    kernel_run r;
    shape const per_image{.n = p.images, .c = columns}, to{.n = p.images, .w = p.m, .c = columns};
    epilogue after{.activation = p.activation, .slope = 0.2f};
    tensor const x = r.input({.n = p.images, .w = p.m, .c = p.k}, o.x, p.x_type),
                 w = r.input({.w = p.n, .c = p.k}, o.w);
    if (p.bias) after.bias = r.input({.c = p.n}, o.bias);
    if (p.channel_add) after.channel_add = r.input(per_image, o.channel_add, dtype::f16);
    if (p.activation == activation::prelu) after.slopes = r.input({.c = columns}, o.slopes);
    if (p.gate) after.gate = r.input(per_image, o.gate, dtype::bf16);
    if (p.residual) after.residual = r.input(to, o.residual, p.x_type);
    tensor const y = linear(r.g, x, pack_linear(r.g, w, p.format, p.geglu), after);
    r.g.output(y);
    r.run();
    EXPECT_EQ(y.shape, to);
    EXPECT_LT(nmse(r.download(y), reference(p, o)), product_limit(p.x_type, p.k));
}

TEST(gemm, any_size) {
    for (problem const& p : {problem{1, 1, 1},
                             {1, 16, 16},
                             {6, 16, 16},
                             {7, 17, 15},
                             {5, 8, 33},
                             {13, 31, 61},
                             {97, 40, 77},
                             {130, 129, 131},
                             {193, 320, 40},
                             {2, 3, 70001},
                             {70001, 1, 2}})
        check(p);
}

TEST(gemm, any_type) {
    for (dtype x : float_types)
        for (auto w : {weight_format::f32, weight_format::f16, weight_format::bf16})
            check({.m = 19, .n = 37, .k = 53, .x_type = x, .format = w});
}

TEST(gemm, epilogues) {
    for (int a = 0; a <= int(activation::scaled); ++a) check({.m = 19, .n = 37, .k = 48, .activation = activation(a)});
    for (int which = 0; which < 16; ++which)
        check({.m = 19,
               .n = 37,
               .k = 48,
               .bias = bool(which & 1),
               .channel_add = bool(which & 2),
               .gate = bool(which & 4),
               .residual = bool(which & 8),
               .activation = activation::silu,
               .images = 3});
}

TEST(gemm, geglu) {
    for (bool extras : {false, true}) {
        check({.m = 21, .n = 2 * 24, .k = 40, .bias = extras, .residual = extras, .geglu = true});
        check({.m = 70,
               .n = 2 * 37,
               .k = 33,
               .x_type = dtype::f16,
               .format = weight_format::f16,
               .bias = extras,
               .geglu = true});
    }
}

// The product with the weights that the format made of them equals the product with those weights as fp32.
TEST(gemm, quantized_weights) {
    for (auto format : {weight_format::q8_0, weight_format::q4_0}) {
        int const m = 9, n = 21, k = 96;
        auto const x = rounded(random_values(m * k, -1, 1, 1), operand_type(dtype::f32));
        auto const w = random_values(n * k, -1, 1, 2);
        std::vector<float> wanted(m * n);
        std::vector<float> stored(w.size()); // as ggml rounds them
        for (std::size_t b = 0; b < w.size(); b += 32) {
            float extreme = 0;
            for (int i = 0; i < 32; ++i)
                if (std::abs(w[b + i]) > std::abs(extreme)) extreme = w[b + i];
            bool const eight = format == weight_format::q8_0;
            float const scale = f16_value(f16_bits(eight ? std::abs(extreme) / 127 : extreme / -8));
            for (int i = 0; i < 32; ++i)
                stored[b + i] = scale * (eight ? std::clamp(std::nearbyint(w[b + i] / scale), -127.f, 127.f)
                                               : std::clamp(std::floor(w[b + i] / scale + 8.5f), 0.f, 15.f) - 8);
        }
        stored = rounded(stored, operand_type(dtype::f32));
        for (int i = 0; i < m; ++i)
            for (int j = 0; j < n; ++j) {
                double sum = 0;
                for (int l = 0; l < k; ++l) sum += double(x[i * k + l]) * stored[j * k + l];
                wanted[i * n + j] = float(sum);
            }
        kernel_run r;
        tensor const y =
            linear(r.g, r.input({.w = m, .c = k}, x), pack_linear(r.g, r.input({.w = n, .c = k}, w), format));
        r.g.output(y);
        r.run();
        EXPECT_LT(nmse(r.download(y), wanted), 1e-11) << int(format);
        EXPECT_LT(nmse(stored, w), format == weight_format::q8_0 ? 1e-4 : 1e-2) << "the test's own rounding";
    }
}

TEST(gemm, large_magnitudes_do_not_overflow) {
    int const m = 8, n = 16, k = 256;
    std::vector<float> const x(m * k, 3e4f), w(n * k, 3e4f);
    kernel_run r;
    tensor const y = linear(r.g, r.input({.w = m, .c = k}, x, dtype::f16),
                            pack_linear(r.g, r.input({.w = n, .c = k}, w), weight_format::f16), {.type = dtype::f32});
    r.g.output(y);
    r.run();
    double const each = double(f16_value(f16_bits(3e4f))) * f16_value(f16_bits(3e4f)) * k;
    for (float v : r.download(y)) ASSERT_NEAR(v, each, 1e-5 * each);
}

// Queries, keys and values of one matrix: each is what a matrix of these outputs alone gives, bit for bit.
TEST(gemm, some_of_the_outputs) {
    constexpr int m = 9, part = 32, n = 3 * part, k = 64;
    auto const x = random_values(m * k, -1, 1, 1), w = random_values(n * k, -1, 1, 2);
    for (weight_format format : {weight_format::f32, weight_format::f16, weight_format::bf16, weight_format::q8_0})
        for (int i : {0, 1, 2}) {
            auto const packed = [&](kernel_run& r, int first, int count) {
                std::vector<float> const rows(w.begin() + first * k, w.begin() + (first + count) * k);
                return pack_linear(r.g, r.input({.w = count, .c = k}, rows), format);
            };
            kernel_run some, alone;
            tensor const y = linear(some.g, some.input({.w = m, .c = k}, x),
                                    outputs_of(packed(some, 0, n), i * part, part)),
                         z = linear(alone.g, alone.input({.w = m, .c = k}, x), packed(alone, i * part, part));
            some.g.output(y);
            alone.g.output(z);
            some.run();
            alone.run();
            EXPECT_EQ(some.download(y), alone.download(z)) << int(format) << ", part " << i;
        }
}

} // namespace
} // namespace sfumato
