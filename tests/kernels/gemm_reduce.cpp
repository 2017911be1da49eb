// Products with few rows and a long inner dimension, which some matrix paths split.
#include "tests/kernels/product_reference.h"

namespace sfumato {
namespace {

TEST(gemm_reduce, a_split_product_has_its_whole_epilogue) {
    int const m = 5, n = 24, k = 2100, images = 2;
    auto const values = [](std::size_t count, unsigned seed) {
        return rounded(random_values(count, -1, 1, seed), operand_type(dtype::f32));
    };
    auto const x = values(images * m * k, 1), w = values(n * k, 2), bias = values(n, 3), add = values(images * n, 4),
               residual = values(images * m * n, 5);
    kernel_run r;
    tensor const packed = r.input({.w = n, .c = k}, w);
    tensor const y =
        linear(r.g, r.input({.n = images, .w = m, .c = k}, x), pack_linear(r.g, packed, weight_format::f32),
               {.bias = r.input({.c = n}, bias),
                .channel_add = r.input({.n = images, .c = n}, add),
                .activation = activation::quick_gelu,
                .residual = r.input({.n = images, .w = m, .c = n}, residual)});
    r.g.output(y);
    bool const split = test_device().target().matrix != matrix_path::software;
    EXPECT_EQ(
        std::ranges::count_if(
            r.g.nodes(), [](auto const& node) { return std::string_view(node.program.kernel->name) == "gemm_reduce"; }),
        split);
    r.run();
    std::vector<float> wanted;
    for (int row = 0; row < images * m; ++row)
        for (int j = 0; j < n; ++j) {
            double sum = bias[j] + add[row / m * n + j];
            for (int i = 0; i < k; ++i) sum += double(x[row * k + i]) * w[j * k + i];
            wanted.push_back(float(activate_reference(activation::quick_gelu, sum) + residual[row * n + j]));
        }
    EXPECT_LT(nmse(r.download(y), wanted), 1e-11);
}

} // namespace
} // namespace sfumato
