#include "compute/ops_depthwise.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

struct problem {
    shape x;
    int kernel = 3;
    depthwise_options o{};                                                 // without its tensors
    bool bias = false, activated = false, noise = false, residual = false; // which of these there are
};

float activated(double x) { return float(std::clamp(std::sqrt(2.) * (x < 0 ? 0.2 * x : x), -256., 256.)); }

struct operands {
    std::vector<float> x, w, bias, noise, residual;
};

int result_of(int side, problem const& p) {
    return ((p.o.spread ? 2 * side : side) + p.o.pad_before + p.o.pad_after - p.kernel) / p.o.stride + 1;
}

std::vector<float> reference(problem const& p, shape const& to, operands const& of) {
    auto const [n, h, w, c] = p.x;
    int const step = p.o.spread ? 2 : 1;
    std::vector<float> all;
    for (int image = 0; image < n; ++image)
        for (int y = 0; y < to.h; ++y)
            for (int x = 0; x < to.w; ++x)
                for (int channel = 0; channel < c; ++channel) {
                    double sum = p.bias ? of.bias[channel] : 0;
                    for (int row = 0; row < p.kernel; ++row)
                        for (int column = 0; column < p.kernel; ++column) {
                            int const from_y = y * p.o.stride + row - p.o.pad_before,
                                      from_x = x * p.o.stride + column - p.o.pad_before;
                            bool const inside = from_y >= 0 && from_x >= 0 && from_y < step * h && from_x < step * w;
                            if (!inside || from_y % step || from_x % step) continue;
                            std::size_t const at = (std::size_t(image) * h + from_y / step) * w + from_x / step;
                            sum += double(of.w[(row * p.kernel + column) * c + channel]) * of.x[at * c + channel];
                        }
                    if (p.noise) sum += of.noise[y * to.w + x];
                    if (p.activated) sum = activated(sum);
                    if (p.residual) sum += of.residual[all.size()];
                    all.push_back(float(sum));
                }
    return all;
}

void check(problem const& p, dtype type) {
    shape const to{p.x.n, result_of(p.x.h, p), result_of(p.x.w, p), p.x.c};
    SCOPED_TRACE(testing::Message() << p.x.n << " × " << p.x.h << " × " << p.x.w << " × " << p.x.c << ", kernel "
                                    << p.kernel << ", stride " << p.o.stride << ", spread " << p.o.spread << ", type "
                                    << int(type));
    operands const of{.x = rounded(random_values(p.x.count(), -2, 2, 1), type),
                      .w = random_values(std::size_t(p.kernel * p.kernel * p.x.c), -1, 1, 2),
                      .bias = random_values(std::size_t(p.x.c), -1, 1, 3),
                      .noise = random_values(std::size_t(to.h) * to.w, -1, 1, 4),
                      .residual = rounded(random_values(to.count(), -1, 1, 5), type)};
    kernel_run r;
    depthwise_options o = p.o;
    if (p.bias) o.bias = r.input({.c = p.x.c}, of.bias);
    if (p.activated) o.activation = gained_leaky_relu{};
    if (p.noise) o.activation->noise = r.input({.h = to.h, .w = to.w}, of.noise);
    if (p.residual) o.activation->residual = r.input(to, of.residual, type);
    tensor const y =
        depthwise_conv2d(r.g, r.input(p.x, of.x, type), r.input({.w = p.kernel * p.kernel, .c = p.x.c}, of.w), o);
    ASSERT_EQ(y.shape, to);
    r.g.output(y);
    r.run();
    EXPECT_LE(nmse(r.download(y), reference(p, to, of)), nmse_limit(type));
}

TEST(depthwise_conv2d, any_shape) {
    for (dtype type : float_types)
        for (shape const& s : {shape{1, 1, 1, 1}, {2, 5, 7, 3}, {1, 9, 4, 8}, {3, 2, 33, 20}}) check({.x = s}, type);
}

TEST(depthwise_conv2d, what_follows_it) {
    for (dtype type : float_types)
        for (int c : {3, 12})
            for (int parts = 0; parts < 8; ++parts)
                check({.x = {2, 6, 5, c},
                       .bias = (parts & 1) != 0,
                       .activated = true,
                       .noise = (parts & 2) != 0,
                       .residual = (parts & 4) != 0},
                      type);
}

TEST(depthwise_conv2d, halves_and_doubles) {
    for (int c : {3, 16})
        for (int side : {2, 7, 16}) {
            check({.x = {1, side, side + 1, c}, .kernel = 4, .o = {.stride = 2}}, dtype::f32);
            check({.x = {2, side, side + 1, c}, .kernel = 4, .o = {.pad_before = 2, .spread = true}}, dtype::f32);
        }
}

TEST(depthwise_conv2d, without_a_convolution) {
    for (dtype type : float_types)
        for (int c : {3, 8}) {
            shape const s{2, 3, 5, c};
            auto x = rounded(random_values(s.count(), -300, 300, 1), type); // which is beyond ±256, too
            auto const noise = random_values(15, -1, 1, 2), added = rounded(random_values(s.count(), -1, 1, 3), type);
            kernel_run r;
            tensor const y = activate(r.g, r.input(s, x, type),
                                      {.noise = r.input({.h = 3, .w = 5}, noise), .residual = r.input(s, added, type)});
            r.g.output(y);
            r.run();
            for (std::size_t i = 0; i < x.size(); ++i) x[i] = activated(x[i] + noise[i / c % 15]) + added[i];
            EXPECT_LE(nmse(r.download(y), x), nmse_limit(type));
        }
}

} // namespace
} // namespace sfumato
