// Transposed convolutions of networks, as they stand in checkpoints, beside plain C++.
#include "models/nets/scope.h"
#include "tests/kernels/kernel_test.h"

#include <cstring>
#include <string>

namespace sfumato {
namespace {

stored_tensor stored(std::vector<float> values, std::vector<std::int64_t> shape) {
    auto make = [values = std::move(values)](std::span<std::byte> to) {
        std::memcpy(to.data(), values.data(), to.size());
    };
    return {.type = stored_type::f32, .shape = std::move(shape), .mapped = {}, .make = std::move(make)};
}

struct problem {
    shape x;
    int outputs, kernel, stride, pad;
    bool on_base = false;
};

// torch.nn.ConvTranspose2d: each pixel of the input spreads over the result.
std::vector<float> reference(problem const& p, shape const& to, std::vector<float> const& x,
                             std::vector<float> const& w, std::vector<float> const& bias) {
    std::vector<double> y(to.count());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = bias[i % bias.size()];
    for (int n = 0; n < p.x.n; ++n)
        for (int iy = 0; iy < p.x.h; ++iy)
            for (int ix = 0; ix < p.x.w; ++ix)
                for (int ky = 0; ky < p.kernel; ++ky)
                    for (int kx = 0; kx < p.kernel; ++kx) {
                        int const oy = p.stride * iy - p.pad + ky, ox = p.stride * ix - p.pad + kx;
                        if (oy < 0 || ox < 0 || oy >= to.h || ox >= to.w) continue;
                        for (int c = 0; c < p.x.c; ++c)
                            for (int o = 0; o < p.outputs; ++o)
                                y[((std::size_t(n) * to.h + oy) * to.w + ox) * p.outputs + o] +=
                                    double(x[((std::size_t(n) * p.x.h + iy) * p.x.w + ix) * p.x.c + c]) *
                                    w[((std::size_t(c) * p.outputs + o) * p.kernel + ky) * p.kernel + kx];
                    }
    return {y.begin(), y.end()};
}

void check(problem const& p) {
    SCOPED_TRACE(testing::Message() << p.x.h << " × " << p.x.w << " × " << p.x.c << " → " << p.outputs << ", kernel "
                                    << p.kernel << ", stride " << p.stride << ", padding " << p.pad);
    auto const x = random_values(p.x.count(), -1, 1, 1), bias = random_values(std::size_t(p.outputs), -1, 1, 3),
               w = random_values(std::size_t(p.x.c) * p.outputs * p.kernel * p.kernel, -1, 1, 2);
    auto file = std::make_shared<checkpoint>();
    file->tensors["up.weight"] = stored(w, {p.x.c, p.outputs, p.kernel, p.kernel});
    file->tensors["up.bias"] = stored(bias, {p.outputs});
    auto const extent = [&](int size) { return (size - 1) * p.stride + p.kernel - 2 * p.pad; };
    shape const to{p.x.n, extent(p.x.h), extent(p.x.w), p.outputs}, around{to.n, to.h + 8, to.w + 4, to.c};
    auto const base = random_values(around.count(), -1, 1, 4);

    graph g(test_device().target().storing(dtype::f32));
    weight_store weights(file, {.format = weight_format::f32});
    tensor const in = g.input(p.x), below = g.input(around);
    tensor const y = conv_transpose2d(scope(g, weights, "")["up"], in, p.stride, p.pad, {},
                                      p.on_base ? std::optional(below) : std::nullopt);
    ASSERT_EQ(y.shape, to);
    g.output(y);
    weights.load(test_device());
    plan run(test_device(), std::move(g), {.guarded = true});
    run.upload<float>(in, x);
    if (p.on_base) run.upload<float>(below, base);
    run.run();
    auto wanted = reference(p, to, x, w, bias);
    for (std::size_t i = 0; p.on_base && i < wanted.size(); ++i) {
        std::size_t const c = i % to.c, column = i / to.c % to.w, row = i / to.c / to.w % to.h,
                          n = i / to.c / to.w / to.h;
        wanted[i] += base[((n * around.h + row + 4) * around.w + column + 2) * to.c + c];
    }
    EXPECT_LT(nmse(run.download<float>(y), wanted), 1e-11);
}

TEST(transposed, every_geometry_of_upscaling_networks) {
    for (bool on_base : {false, true}) {
        check({{1, 5, 4, 8}, 12, 2, 2, 0, on_base}); // up in U-Nets
        check({{2, 6, 7, 5}, 3, 4, 2, 3, on_base});  // ×2
        check({{1, 6, 5, 8}, 3, 5, 3, 2, on_base});  // ×3
    }
}

TEST(transposed, further_ones) {
    check({{1, 4, 5, 3}, 4, 4, 2, 1});
    check({{1, 4, 5, 3}, 4, 3, 2, 1});
    check({{1, 1, 1, 1}, 1, 3, 1, 0});
    check({{1, 3, 2, 3}, 5, 4, 4, 0});
    check({{1, 3, 4, 3}, 5, 6, 3, 1});
}

} // namespace
} // namespace sfumato
