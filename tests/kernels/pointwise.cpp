#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

constexpr shape odd_shapes[] = {{1, 1, 1, 1}, {.c = 3}, {1, 1, 7, 1}, {2, 3, 5, 7}, {3, 31, 1, 13}, {3, 1, 77, 40}};

shape with_channels(shape s, int c) {
    s.c = c;
    return s;
}

// Element i of a tensor of shape `to`, in one of shape `s` that broadcasts.
std::size_t index_in(shape const& s, shape const& to, std::size_t i) {
    std::size_t const c = i % to.c, w = i / to.c % to.w, h = i / to.c / to.w % to.h, n = i / to.c / to.w / to.h;
    return ((n % s.n * s.h + h % s.h) * s.w + w % s.w) * s.c + c % s.c;
}

// Extents of `s` whose bit is set in `mask` become 1.
shape broadcasting(shape const& s, int mask) {
    return {mask & 1 ? 1 : s.n, mask & 2 ? 1 : s.h, mask & 4 ? 1 : s.w, mask & 8 ? 1 : s.c};
}

double function(activation f, double x, double slope) {
    double const sqrt_half = std::sqrt(0.5), tanh_scale = std::sqrt(2 / M_PI);
    switch (f) {
    case activation::none: return x;
    case activation::silu: return x / (1 + std::exp(-x));
    case activation::gelu_tanh: return x / 2 * (1 + std::tanh(tanh_scale * (x + 0.044715 * x * x * x)));
    case activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
    case activation::gelu: return x / 2 * std::erfc(-x * sqrt_half);
    case activation::relu: return std::max(x, 0.0);
    case activation::leaky_relu:
    case activation::prelu: return x < 0 ? slope * x : x;
    case activation::scaled: return slope * x;
    case activation::sigmoid: return 1 / (1 + std::exp(-x));
    case activation::tanh: return std::tanh(x);
    case activation::tanh_clamp: return 3 * std::tanh(x / 3);
    }
    return 0;
}

constexpr activation functions[] = {activation::none,       activation::silu,    activation::gelu_tanh,
                                    activation::quick_gelu, activation::gelu,    activation::relu,
                                    activation::leaky_relu, activation::sigmoid, activation::tanh,
                                    activation::tanh_clamp, activation::scaled};
constexpr float slope = 0.2f;

TEST(pointwise, add_scaled_into_channels) {
    for (dtype type : float_types)
        for (int c : {1, 3, 4, 9, 64}) {
            shape const s{2, 3, 5, c}, wide{2, 3, 5, c + 7};
            auto const x = rounded(random_values(s.count(), -2, 2, 1), type),
                       y = rounded(random_values(wide.count(), -2, 2, 2), type);
            kernel_run r;
            tensor const whole = r.output(wide, type), first = r.input(wide, y, type), scaled = r.input(s, x, type);
            copy(r.g, first, {whole});
            add_scaled(r.g, scaled, 0.2f, first, channels_from{whole, 5});
            tensor const alone = add_scaled(r.g, scaled, 0.2f, first);
            r.g.output(alone);
            r.run();
            auto wanted = y;
            std::vector<float> sums;
            for (std::size_t i = 0; i < x.size(); ++i) {
                std::size_t const at = i / c * (c + 7) + i % c;
                sums.push_back(x[i] * 0.2f + y[at]);
                wanted[at + 5] = sums.back();
            }
            double const limit = type == dtype::f32 ? 1e-13 : nmse_limit(type);
            EXPECT_LT(nmse(r.download(whole), wanted), limit);
            EXPECT_LT(nmse(r.download(alone), sums), limit);
        }
}

TEST(pointwise, activations) {
    for (activation f : functions)
        for (dtype type : float_types)
            for (int count : {1, 5, 1009}) {
                auto const values = rounded(random_values(std::size_t(count), -7, 7, unsigned(count)), type);
                kernel_run r;
                tensor const y = activate(r.g, r.input({.c = count}, values, type), f, slope);
                r.g.output(y);
                r.run();
                std::vector<float> wanted;
                for (float x : values) wanted.push_back(float(function(f, x, slope)));
                EXPECT_LE(nmse(r.download(y), wanted), nmse_limit(type))
                    << "activation " << int(f) << " of " << count << ", type " << int(type);
            }
}

TEST(pointwise, activations_of_large_values_stay_finite) {
    std::vector<float> values;
    for (float x = 8; x <= 1e4f; x *= 1.25f) values.insert(values.end(), {x, -x});
    values.insert(values.end(), {0, 1e4f, -1e4f});
    for (activation f : functions)
        for (dtype type : float_types) {
            auto const inputs = rounded(values, type);
            kernel_run r;
            tensor const y = activate(r.g, r.input({.c = int(inputs.size())}, inputs, type), f, slope);
            r.g.output(y);
            r.run();
            auto const got = r.download(y);
            double const step = type == dtype::f32 ? 1e-6 : type == dtype::f16 ? 1e-3 : 8e-3;
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                double const wanted = function(f, inputs[i], slope);
                ASSERT_NEAR(got[i], wanted, step * (std::abs(wanted) + 1))
                    << "activation " << int(f) << " of " << inputs[i];
            }
        }
}

TEST(pointwise, prelu) {
    for (dtype type : float_types)
        for (dtype slopes_type : float_types)
            for (shape s : odd_shapes) {
                auto const values = rounded(random_values(s.count(), -2, 2, 3), type);
                auto const slopes = rounded(random_values(std::size_t(s.c), -1, 1, 4), slopes_type);
                kernel_run r;
                tensor const y = prelu(r.g, r.input(s, values, type), r.input({.c = s.c}, slopes, slopes_type));
                r.g.output(y);
                r.run();
                std::vector<float> wanted;
                for (std::size_t i = 0; i < values.size(); ++i)
                    wanted.push_back(float(function(activation::prelu, values[i], slopes[i % slopes.size()])));
                EXPECT_LE(nmse(r.download(y), wanted), nmse_limit(type));
            }
}

TEST(pointwise, geglu) {
    for (dtype type : float_types)
        for (shape s : odd_shapes) {
            std::size_t const c = std::size_t(s.c);
            // Below −1.5 gelu is small and as exact as anywhere, but not in relation to a single value.
            auto const values = rounded(random_values(2 * s.count(), -1.5f, 4, 5), type);
            kernel_run r;
            tensor const y = geglu(r.g, r.input(with_channels(s, 2 * s.c), values, type));
            ASSERT_EQ(y.shape, s);
            r.g.output(y);
            r.run();
            std::vector<float> wanted;
            for (std::size_t row = 0; row < s.count() / c; ++row)
                for (std::size_t k = 0; k < c; ++k)
                    wanted.push_back(
                        float(values[2 * row * c + k] * function(activation::gelu, values[2 * row * c + c + k], 0)));
            EXPECT_LE(nmse(r.download(y), wanted), nmse_limit(type)) << s.count();
        }
}

// add, mul and lerp with operands of other types that broadcast in every way.
TEST(pointwise, operands_broadcast) {
    for (std::size_t k = 0; k < std::size(float_types); ++k)
        for (shape s : odd_shapes)
            for (int mask = 0; mask < 16; mask += k == 0 ? 1 : 5) {
                dtype const type = float_types[k], other = float_types[(k + std::size_t(mask)) % 3];
                shape const bs = broadcasting(s, mask), ts = broadcasting(s, mask * 7 % 16);
                auto const a = rounded(random_values(s.count(), -2, 2, 1), type);
                auto const b = rounded(random_values(bs.count(), -2, 2, 2), other);
                auto const t = rounded(random_values(ts.count(), 0, 1, 3), other);
                kernel_run r;
                tensor const at = r.input(s, a, type), bt = r.input(bs, b, other), tt = r.input(ts, t, other);
                tensor const sum = add(r.g, at, bt), product = mul(r.g, at, bt), mixed = lerp(r.g, at, bt, tt);
                for (tensor const& y : {sum, product, mixed}) r.g.output(y);
                r.run();
                std::vector<float> sums, products, mixtures;
                for (std::size_t i = 0; i < a.size(); ++i) {
                    double const y = b[index_in(bs, s, i)], w = t[index_in(ts, s, i)];
                    sums.push_back(float(a[i] + y));
                    products.push_back(float(a[i] * y));
                    mixtures.push_back(float(a[i] + (y - a[i]) * w));
                }
                EXPECT_LE(nmse(r.download(sum), sums), nmse_limit(type)) << "add, " << s.count() << ", " << mask;
                EXPECT_LE(nmse(r.download(product), products), nmse_limit(type))
                    << "mul, " << s.count() << ", " << mask;
                EXPECT_LE(nmse(r.download(mixed), mixtures), nmse_limit(type)) << "lerp, " << s.count() << ", " << mask;
            }
}

TEST(pointwise, scale_and_offset) {
    for (dtype type : float_types)
        for (shape s : odd_shapes) {
            auto const x = rounded(random_values(s.count(), -2, 2, 7), type);
            kernel_run r;
            tensor const y = scale(r.g, r.input(s, x, type), -1.75f, 0.3f);
            r.g.output(y);
            r.run();
            std::vector<float> wanted;
            for (float v : x) wanted.push_back(float(v * -1.75 + double(0.3f)));
            EXPECT_LE(nmse(r.download(y), wanted), nmse_limit(type));
        }
}

// Halves are exact in fp32, and back; what is narrowed is rounded to nearest (Vulkan lets fp16 be rounded down, too).
TEST(pointwise, cast) {
    for (dtype from : float_types)
        for (dtype to : float_types)
            for (shape s : odd_shapes) {
                auto const x = rounded(random_values(s.count(), -2, 2, 8), from);
                kernel_run r;
                tensor const y = cast(r.g, r.input(s, x, from), to);
                ASSERT_EQ(y.type, to);
                r.g.output(y);
                r.run();
                if (to == dtype::f16)
                    EXPECT_LE(nmse(r.download(y), x), nmse_limit(to));
                else
                    EXPECT_EQ(r.download(y), rounded(x, to));
            }
}

TEST(pointwise, concat_and_slice) {
    for (dtype type : float_types)
        for (shape s : odd_shapes)
            for (int more : {1, 4, 9}) {
                shape const t = with_channels(s, more);
                auto const a = rounded(random_values(s.count(), -2, 2, 9), type);
                auto const b = rounded(random_values(t.count(), -2, 2, 10), type);
                kernel_run r;
                tensor const both = concat(r.g, r.input(s, a, type), r.input(t, b, type));
                ASSERT_EQ(both.shape, with_channels(s, s.c + more));
                tensor const middle = slice(r.g, both, s.c - 1, more), end = slice(r.g, both, s.c, more);
                for (tensor const& y : {both, middle, end}) r.g.output(y);
                r.run();
                std::vector<float> joined, part;
                for (std::size_t row = 0; row < s.count() / s.c; ++row) {
                    joined.insert(joined.end(), &a[row * s.c], &a[row * s.c] + s.c);
                    joined.insert(joined.end(), &b[row * more], &b[row * more] + more);
                    auto const first = joined.end() - more - 1;
                    part.insert(part.end(), first, first + more);
                }
                EXPECT_EQ(r.download(both), joined);
                EXPECT_EQ(r.download(middle), part);
                EXPECT_EQ(r.download(end), b);
            }
}

TEST(pointwise, more_groups_than_one_direction_holds) {
    shape const s{.w = 1'400'003, .c = 3};
    auto const a = random_values(s.count(), -2, 2, 11), b = random_values(3, -2, 2, 12);
    kernel_run r;
    tensor const y = add(r.g, r.input(s, a), r.input({.c = 3}, b));
    r.g.output(y);
    r.run();
    auto const got = r.download(y);
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(got[i], a[i] + b[i % 3]) << i;
}

} // namespace
} // namespace sfumato
