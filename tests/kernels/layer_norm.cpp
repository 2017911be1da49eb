// layer_norm as layer_norm() and rms_norm().
#include "tests/kernels/norm_reference.h"

namespace sfumato {
namespace {

struct problem {
    shape x;
    dtype type = dtype::f32, parameters = dtype::f32;
    bool affine = true, modulated = false, rms = false;
    float offset = 0; // of x, whose deviation is about 0.6
    float eps = 1e-5f;
};

struct operands {
    std::vector<float> x, weight, bias, scale, shift;
};

std::vector<float> reference(problem const& p, operands const& o) {
    std::size_t const c = p.x.c, image = p.x.count() / p.x.n;
    std::vector<float> y(o.x.size());
    for (std::size_t first = 0; first < o.x.size(); first += c) {
        std::vector<std::size_t> row(c);
        for (std::size_t i = 0; i < c; ++i) row[i] = first + i;
        auto m = moments_of(o.x, row);
        if (p.rms) m = {0, m.variance + m.mean * m.mean};
        for (std::size_t i = 0; i < c; ++i) {
            double v = (o.x[first + i] - m.mean) / std::sqrt(m.variance + p.eps);
            if (p.affine) v = v * o.weight[i] + o.bias[i];
            if (p.modulated) v = v * (1 + o.scale[first / image * c + i]) + o.shift[first / image * c + i];
            y[first + i] = float(v);
        }
    }
    return y;
}

void check(problem const& p) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(testing::Message() << p.x.n << " × " << p.x.h << " × " << p.x.w << " × " << p.x.c << ", types "
                                        << int(p.type) << int(p.parameters) << ", offset " << p.offset << ", rms "
                                        << p.rms << ", software " << to.software);
        shape const channels{.c = p.x.c}, images{.n = p.x.n, .c = p.x.c};
        auto const parameters = [&](shape const& s, float low, float high, unsigned seed) {
            return rounded(random_values(s.count(), low, high, seed), p.parameters);
        };
        operands o{.x = rounded(random_values(p.x.count(), p.offset - 1, p.offset + 1), p.type),
                   .weight = parameters(channels, 0.5, 2, 2),
                   .bias = parameters(channels, -1, 1, 3),
                   .scale = parameters(images, -1, 1, 4),
                   .shift = parameters(images, -1, 1, 5)};
        kernel_run r(to);
        tensor const x = r.input(p.x, o.x, p.type);
        layer_norm_options options{.eps = p.eps};
        if (p.affine) {
            options.weight = r.input(channels, o.weight, p.parameters);
            options.bias = r.input(channels, o.bias, p.parameters);
        }
        if (p.modulated) {
            options.scale = r.input(images, o.scale, p.parameters);
            options.shift = r.input(images, o.shift, p.parameters);
        }
        if (p.rms) o.bias.assign(o.bias.size(), 0);
        tensor const y = p.rms ? rms_norm(r.g, x, *options.weight, p.eps) : layer_norm(r.g, x, options);
        r.g.output(y);
        r.run();
        EXPECT_LT(nmse(r.download(y), reference(p, o)), nmse_limit(p.type));
    }
}

TEST(layer_norm, any_width) {
    for (int c : {1, 2, 3, 4, 7, 32, 33, 64, 127, 128, 129, 320, 1031, 1280}) check({{1, 2, 3, c}});
}

TEST(layer_norm, any_number_of_rows) {
    check({{1, 1, 1, 8}});
    check({{2, 5, 13, 20}});
    check({{1, 1, 65551, 5}});
    check({.x = {1, 1, 600011, 1}, .affine = false}); // more than 65,535 workgroups
}

TEST(layer_norm, any_type) {
    for (dtype type : float_types)
        for (int c : {9, 30, 332}) {
            check({{2, 1, 7, c}, type, type, true, true});
            if (type != dtype::f32) check({{2, 1, 7, c}, type, dtype::f32, true, true});
        }
    for (dtype parameters : {dtype::f16, dtype::bf16}) check({{2, 1, 7, 30}, dtype::f32, parameters, true, true});
}

TEST(layer_norm, with_and_without_its_parameters) {
    for (bool affine : {false, true})
        for (bool modulated : {false, true})
            check({.x = {3, 2, 7, 96}, .affine = affine, .modulated = modulated, .eps = 1e-6f});
}

TEST(layer_norm, a_mean_far_larger_than_the_deviations) {
    for (float offset : {1e3f, -1e4f, 1e5f})
        for (int c : {33, 320, 4096}) check({.x = {1, 1, 5, c}, .offset = offset});
}

TEST(layer_norm, a_flat_row_becomes_its_bias) {
    kernel_run r;
    auto const bias = random_values(40, -1, 1);
    tensor const y = layer_norm(r.g, r.input({.w = 3, .c = 40}, std::vector<float>(120, 1234.5f)),
                                {.bias = r.input({.c = 40}, bias)});
    r.g.output(y);
    r.run();
    auto const got = r.download(y);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], bias[i % 40], 1e-3);
}

TEST(rms_norm, any_width_and_type) {
    for (dtype type : float_types)
        for (int c : {1, 7, 40, 64, 160, 333}) check({.x = {2, 3, 5, c}, .type = type, .rms = true, .eps = 1e-6f});
}

// The heads of some tokens of a longer sequence, as queries and keys of an MMDiT are normed.
TEST(rms_norm, into_a_part_of_a_tensor) {
    constexpr int tokens = 7, all = 12, first = 3, heads = 2, c = 64;
    for (dtype type : float_types) {
        auto const x = rounded(random_values(tokens * heads * c, -1, 1, 1), type), weight = random_values(c, 0.5, 2, 2),
                   before = rounded(random_values(all * heads * c, -1, 1, 3), type);
        kernel_run r;
        tensor const whole = copy(r.g, r.input({.w = all, .c = heads * c}, before, type),
                                  {r.output({.w = all, .c = heads * c}, type), 0});
        tensor part = whole.tokens(first, tokens);
        part.shape = {.w = tokens * heads, .c = c};
        rms_norm(r.g, r.input(part.shape, x, type), r.input({.c = c}, weight), 1e-6f, part);
        r.run();
        auto wanted = before;
        auto const normed =
            reference({.x = part.shape, .rms = true, .eps = 1e-6f},
                      {.x = x, .weight = weight, .bias = std::vector<float>(c), .scale = {}, .shift = {}});
        std::ranges::copy(normed, wanted.begin() + first * heads * c);
        EXPECT_LE(nmse(r.download(whole), wanted), nmse_limit(type));
    }
}

} // namespace
} // namespace sfumato
