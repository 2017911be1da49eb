// gemm as conv2d() and conv_transpose2d().
#include "tests/kernels/product_reference.h"

namespace sfumato {
namespace {

struct problem {
    shape x;
    int outputs, kernel;
    conv2d_options options;
    int second = 0; // channels
    dtype type = dtype::f32;
    weight_format format = weight_format::f32;
    bool epilogue = false;
    bool affine = false, affine_silu = false;
};

int reflect(int i, int size) { return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i; }

struct operands {
    std::vector<float> x, second, w, bias, channel_add, residual, affine;
};

std::vector<float> reference(problem const& p, operands const& o, shape const& y) {
    int const up = p.options.upsample ? 2 : 1, inputs = p.x.c + p.second, h = p.x.h * up, width = p.x.w * up;
    auto const input = [&](int n, int iy, int ix, int c) -> double {
        if (p.options.reflect) iy = reflect(iy, h), ix = reflect(ix, width);
        if (iy < 0 || iy >= h || ix < 0 || ix >= width) return 0;
        std::size_t const at = (std::size_t(n) * p.x.h + iy / up) * p.x.w + ix / up;
        double const v = c < p.x.c ? o.x[at * p.x.c + c] : o.second[at * p.second + c - p.x.c];
        if (!p.affine) return v;
        double const y = v * o.affine[(2 * n) * inputs + c] + o.affine[(2 * n + 1) * inputs + c];
        return p.affine_silu ? activate_reference(activation::silu, y) : y;
    };
    std::vector<float> result;
    for (int n = 0; n < y.n; ++n)
        for (int oy = 0; oy < y.h; ++oy)
            for (int ox = 0; ox < y.w; ++ox)
                for (int out = 0; out < y.c; ++out) {
                    double sum = 0;
                    for (int ky = 0; ky < p.kernel; ++ky)
                        for (int kx = 0; kx < p.kernel; ++kx)
                            for (int c = 0; c < inputs; ++c)
                                sum += input(n, oy * p.options.stride + ky - p.options.pad.top,
                                             ox * p.options.stride + kx - p.options.pad.left, c) *
                                       o.w[((std::size_t(out) * inputs + c) * p.kernel + ky) * p.kernel + kx];
                    if (p.epilogue)
                        sum = activate_reference(activation::silu, sum + o.bias[out] + o.channel_add[n * y.c + out]) +
                              o.residual[result.size()];
                    result.push_back(float(sum));
                }
    return result;
}

void check(problem const& p) {
    SCOPED_TRACE(testing::Message() << p.x.n << " × " << p.x.h << " × " << p.x.w << " × " << p.x.c << " + " << p.second
                                    << " → " << p.outputs << ", kernel " << p.kernel << ", stride "
                                    << p.options.stride);
    int const inputs = p.x.c + p.second, taps = p.kernel * p.kernel, up = p.options.upsample ? 2 : 1;
    auto const& pad = p.options.pad;
    shape const to{p.x.n, (p.x.h * up + pad.top + pad.bottom - p.kernel) / p.options.stride + 1,
                   (p.x.w * up + pad.left + pad.right - p.kernel) / p.options.stride + 1, p.outputs};
    shape const second{p.x.n, p.x.h, p.x.w, p.second};
    auto const values = [&](std::size_t count, unsigned seed) {
        return rounded(rounded(random_values(count, -1, 1, seed), operand_type(p.type)), p.type);
    };
    dtype const stored = p.format == weight_format::f16    ? dtype::f16
                         : p.format == weight_format::bf16 ? dtype::bf16
                                                           : dtype::f32;
    auto const weights = rounded(random_values(std::size_t(p.outputs) * inputs * taps, -1, 1, 3), stored);
    operands const o{.x = values(p.x.count(), 1),
                     .second = values(second.count(), 2),
                     .w = rounded(weights, operand_type(dtype::f32)),
                     .bias = random_values(p.outputs, -1, 1, 4),
                     .channel_add = random_values(to.n * p.outputs, -1, 1, 5),
                     .residual = values(to.count(), 6),
                     .affine = random_values(p.x.n * 2 * inputs, -1, 1, 7)};
    kernel_run r;
    conv2d_options options = p.options;
    if (p.second) options.second = r.input(second, o.second, p.type);
    if (p.affine) options.affine = r.input({.n = p.x.n, .w = 2, .c = inputs}, o.affine);
    options.affine_silu = p.affine_silu;
    tensor const x = r.input(p.x, o.x, p.type), w = r.input({p.outputs, inputs, p.kernel, p.kernel}, o.w);
    epilogue after;
    if (p.epilogue)
        after = {.bias = r.input({.c = p.outputs}, o.bias),
                 .channel_add = r.input({.n = to.n, .c = p.outputs}, o.channel_add),
                 .activation = activation::silu,
                 .residual = r.input(to, o.residual, p.type)};
    tensor const y = conv2d(r.g, x, pack_conv2d(r.g, w, p.format), options, after);
    r.g.output(y);
    r.run();
    ASSERT_EQ(y.shape, to);
    // A normalised input is not a number that fp16 holds exactly.
    dtype const result = p.affine && operand_type(p.type) == dtype::f16 ? dtype::f16 : p.type;
    EXPECT_LT(nmse(r.download(y), reference(p, o, to)), product_limit(result, inputs * taps));
}

TEST(conv2d, three_by_three) {
    check({{1, 1, 1, 1}, 1, 3, same_3x3});
    check({{1, 5, 7, 3}, 4, 3, same_3x3});
    check({{2, 13, 11, 17}, 19, 3, same_3x3});
    check({{1, 8, 8, 32}, 48, 3, same_3x3});
    check({{1, 16, 1, 36}, 64, 3, same_3x3});
    check({{1, 67, 1031, 1}, 1, 3, same_3x3}); // many rows
}

// As software devices take them: in rounds of 48, 16 or 32 with a rest, and 1 … 3 whole.
TEST(conv2d, any_number_of_inputs) {
    for (int inputs : {1, 2, 3, 4, 16, 31, 48, 80, 96, 144})
        for (auto format : {weight_format::f32, weight_format::f16, weight_format::bf16})
            check({{1, 5, 7, inputs}, 21, 3, same_3x3, 0, dtype::f32, format});
    check({{1, 5, 7, 48}, 16, 3, same_3x3, 96});
    check({{1, 5, 7, 3}, 16, 3, same_3x3, 2});
}

TEST(conv2d, other_kernels_and_paddings) {
    check({{1, 9, 6, 20}, 18, 1, {}});
    check({{1, 9, 6, 20}, 18, 1, {.stride = 2}});
    check({{1, 11, 9, 5}, 7, 7, {.pad = {3, 3, 3, 3}}});
    check({{1, 11, 9, 4}, 7, 7, {.pad = {3, 3, 3, 3}, .reflect = true}});
    check({{2, 12, 10, 8}, 16, 3, {.stride = 2, .pad = {1, 1, 1, 1}}});
    check({{2, 12, 10, 8}, 16, 3, {.stride = 2, .pad = {0, 0, 1, 1}}}); // as the VAE's encoder
    check({{1, 6, 5, 12}, 10, 3, {.pad = {1, 1, 1, 1}, .reflect = true}});
    check({{1, 9, 8, 4}, 6, 4, {.stride = 2, .pad = {1, 1, 1, 1}}});
}

TEST(conv2d, upsampled_input) {
    check({{1, 5, 6, 20}, 24, 3, {.pad = {1, 1, 1, 1}, .upsample = true}});
    check({{2, 3, 4, 8}, 8, 3, {.pad = {1, 1, 1, 1}, .upsample = true}});
}

TEST(conv2d, two_inputs_without_a_copy) {
    check({{1, 7, 6, 16}, 24, 3, same_3x3, 8});
    check({{2, 5, 4, 9}, 17, 3, same_3x3, 21});
    check({{1, 5, 4, 20}, 17, 1, {}, 12});
}

// The group norm as the input is loaded: zeros beyond the border stay zeros.
TEST(conv2d, normalised_input) {
    for (bool silu : {false, true}) {
        check(
            {.x = {2, 6, 9, 12}, .outputs = 20, .kernel = 3, .options = same_3x3, .affine = true, .affine_silu = silu});
        check({.x = {2, 5, 4, 9},
               .outputs = 17,
               .kernel = 3,
               .options = same_3x3,
               .second = 21,
               .type = dtype::f16,
               .affine = true,
               .affine_silu = silu});
    }
}

// Of `whole`, which has `wide` channels: `count` from `first` on.
std::vector<float> some_channels(std::vector<float> const& whole, int wide, int first, int count) {
    std::vector<float> some;
    for (std::size_t i = 0; i < whole.size(); i += std::size_t(wide))
        some.insert(some.end(), whole.begin() + long(i) + first, whole.begin() + long(i) + first + count);
    return some;
}

// As dense blocks do it: the product reads a tensor's first channels and becomes others of it, the residual is the
// first of a third one. All else stays as it is.
void check_in_place(shape const& pixels, int inputs, int outputs, int first, int wide, dtype type) {
    SCOPED_TRACE(testing::Message() << inputs << " → " << outputs << ", from channel " << first << " of " << wide);
    shape all = pixels, to = pixels;
    all.c = wide, to.c = outputs;
    auto const values = [&](shape const& s, unsigned seed) {
        return rounded(rounded(random_values(s.count(), -1, 1, seed), operand_type(type)), type);
    };
    auto const x = values(all, 1), residual = values(all, 2),
               w = rounded(random_values(std::size_t(outputs) * inputs * 9, -1, 1, 3), operand_type(dtype::f32));
    kernel_run r;
    tensor const dense = r.output(all, type);
    copy(r.g, r.input(all, x, type), {dense});
    tensor const same =
        conv2d(r.g, dense, pack_conv2d(r.g, r.input({outputs, inputs, 3, 3}, w), weight_format::f32), same_3x3,
               {.residual = r.input(all, residual, type), .into = channels_from{dense, first}});
    EXPECT_EQ(same.id, dense.id);
    r.run();
    auto const got = r.download(dense);
    shape read = pixels;
    read.c = inputs;
    auto wanted = reference({read, outputs, 3, same_3x3}, {.x = some_channels(x, wide, 0, inputs), .w = w}, to);
    auto const added = some_channels(residual, wide, 0, outputs);
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += added[i];
    EXPECT_LT(nmse(some_channels(got, wide, first, outputs), wanted), product_limit(type, inputs * 9));
    EXPECT_EQ(some_channels(got, wide, 0, first), some_channels(x, wide, 0, first));
    int const behind = first + outputs;
    EXPECT_EQ(some_channels(got, wide, behind, wide - behind), some_channels(x, wide, behind, wide - behind));
}

TEST(conv2d, into_channels) {
    for (dtype type : float_types) {
        check_in_place({2, 7, 9}, 16, 8, 16, 32, type);
        check_in_place({1, 5, 6}, 32, 32, 32, 96, type);
        check_in_place({1, 5, 6}, 13, 5, 15, 23, type);
    }
    check_in_place({1, 5, 6}, 96, 48, 100, 150, dtype::f32); // few rows, a long product: split on GPUs
}

TEST(conv2d, any_type) {
    for (dtype type : float_types)
        for (auto format : {weight_format::f32, weight_format::f16})
            check({{2, 6, 9, 12}, 20, 3, same_3x3, 0, type, format, true});
}

// [n, h, w, inputs], w [inputs, outputs, 3, 3]: each input spreads over the result.
std::vector<float> transposed_reference(shape const& in, std::vector<float> const& x, std::vector<float> const& w,
                                        std::vector<float> const& bias) {
    int const outputs = int(bias.size());
    std::vector<double> y(in.n * in.h * 2 * in.w * 2 * std::size_t(outputs));
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = bias[i % outputs];
    for (int n = 0; n < in.n; ++n)
        for (int iy = 0; iy < in.h; ++iy)
            for (int ix = 0; ix < in.w; ++ix)
                for (int ky = 0; ky < 3; ++ky)
                    for (int kx = 0; kx < 3; ++kx) {
                        int const oy = 2 * iy - 1 + ky, ox = 2 * ix - 1 + kx;
                        if (oy < 0 || ox < 0 || oy >= 2 * in.h || ox >= 2 * in.w) continue;
                        for (int c = 0; c < in.c; ++c)
                            for (int o = 0; o < outputs; ++o)
                                y[((std::size_t(n) * 2 * in.h + oy) * 2 * in.w + ox) * outputs + o] +=
                                    double(x[((std::size_t(n) * in.h + iy) * in.w + ix) * in.c + c]) *
                                    w[((std::size_t(c) * outputs + o) * 3 + ky) * 3 + kx];
                    }
    return {y.begin(), y.end()};
}

TEST(conv_transpose2d, any_size) {
    for (shape const& in : {shape{1, 1, 1, 1}, {1, 5, 3, 7}, {2, 4, 9, 16}}) {
        int const outputs = in.c + 3;
        auto const x = rounded(random_values(in.count(), -1, 1, 1), operand_type(dtype::f32));
        auto const w = rounded(random_values(std::size_t(in.c) * outputs * 9, -1, 1, 2), operand_type(dtype::f32));
        auto const bias = random_values(outputs, -1, 1, 3);
        kernel_run r;
        tensor const y = conv_transpose2d(
            r.g, r.input(in, x), pack_conv_transpose2d(r.g, r.input({in.c, outputs, 3, 3}, w), weight_format::f32),
            {.bias = r.input({.c = outputs}, bias)});
        r.g.output(y);
        r.run();
        ASSERT_EQ(y.shape, (shape{in.n, 2 * in.h, 2 * in.w, outputs}));
        EXPECT_LT(nmse(r.download(y), transposed_reference(in, x, w, bias)), 1e-11);
    }
}

} // namespace
} // namespace sfumato
