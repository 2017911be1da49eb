#include "tests/kernels/product_reference.h"

#include <limits>

namespace sfumato {
namespace {

struct problem {
    int images = 1, heads = 1, queries = 1, keys = 1, d = 8;
    dtype q_type = dtype::f32, k_type = dtype::f32, v_type = dtype::f32;
    std::optional<float> scale;
    bool causal = false;

    int row() const { return heads * d; }
};

struct operands {
    std::vector<float> q, k, v;
    std::vector<float> bias; // [bias_images, bias_heads, queries, keys]
    int bias_images = 1, bias_heads = 1;
    dtype bias_type = dtype::f32;
};

std::vector<float> random_operand(std::size_t count, float size, dtype type, unsigned seed) {
    return rounded(rounded(random_values(count, -size, size, seed), operand_type(type)), type);
}

operands random_operands(problem const& p, float size = 1) {
    std::size_t const queries = std::size_t(p.images) * p.queries * p.row(),
                      keys = std::size_t(p.images) * p.keys * p.row();
    return {.q = random_operand(queries, size, p.q_type, 1),
            .k = random_operand(keys, size, p.k_type, 2),
            .v = random_operand(keys, 1, p.v_type, 3),
            .bias = {}};
}

// One row of the weights; `product(j)`: of the query with key j.
std::vector<double> weights(problem const& p, operands const& o, int image, int head, int query) {
    std::vector<double> w(p.keys, -std::numeric_limits<double>::infinity());
    float const* const q = &o.q[(std::size_t(image) * p.queries + query) * p.row() + head * p.d];
    for (int j = 0; j < (p.causal ? std::min(query + 1, p.keys) : p.keys); ++j) {
        float const* const k = &o.k[(std::size_t(image) * p.keys + j) * p.row() + head * p.d];
        double product = 0;
        for (int c = 0; c < p.d; ++c) product += double(q[c]) * k[c];
        w[j] = product * double(p.scale.value_or(float(1 / std::sqrt(p.d))));
        if (!o.bias.empty())
            w[j] +=
                o.bias[((std::size_t(image % o.bias_images) * o.bias_heads + head % o.bias_heads) * p.queries + query) *
                           p.keys +
                       j];
    }
    double const top = *std::ranges::max_element(w);
    double sum = 0;
    for (double& x : w) sum += x = std::exp(x - top);
    for (double& x : w) x /= sum;
    return w;
}

std::vector<float> reference(problem const& p, operands const& o) {
    std::vector<float> y(o.q.size());
    for (int image = 0; image < p.images; ++image)
        for (int head = 0; head < p.heads; ++head)
            for (int query = 0; query < p.queries; ++query) {
                auto const w = weights(p, o, image, head, query);
                std::vector<double> sums(p.d);
                for (int j = 0; j < p.keys; ++j)
                    for (int c = 0; c < p.d; ++c)
                        sums[c] += w[j] * o.v[(std::size_t(image) * p.keys + j) * p.row() + head * p.d + c];
                std::ranges::copy(sums, &y[(std::size_t(image) * p.queries + query) * p.row() + head * p.d]);
            }
    return y;
}

std::vector<float> attend(problem const& p, operands const& o, target const& to = test_device().target()) {
    kernel_run r(to);
    tensor const q = r.input({.n = p.images, .w = p.queries, .c = p.row()}, o.q, p.q_type);
    shape const of_keys{.n = p.images, .w = p.keys, .c = p.row()};
    tensor const k = r.input(of_keys, o.k, p.k_type), v = r.input(of_keys, o.v, p.v_type);
    attention_options options{.heads = p.heads, .scale = p.scale, .causal = p.causal, .bias = {}};
    if (!o.bias.empty())
        options.bias =
            r.input({.n = o.bias_images, .h = o.bias_heads, .w = p.queries, .c = p.keys}, o.bias, o.bias_type);
    tensor const y = attention(r.g, q, k, v, options);
    EXPECT_EQ(y.shape, q.shape);
    EXPECT_EQ(y.type, p.q_type);
    r.g.output(y);
    r.run();
    return r.download(y);
}

// Weights are operands, too: rounded where operands are.
double limit(problem const& p) { return std::max(nmse_limit(p.q_type), nmse_limit(operand_type(dtype::f32))); }

void check(problem const& p, operands const& o, double lost = 1) {
    SCOPED_TRACE(testing::Message() << p.images << " × " << p.heads << " heads, " << p.queries << " queries, " << p.keys
                                    << " keys, d " << p.d << ", types " << int(p.q_type) << int(p.k_type)
                                    << int(p.v_type));
    EXPECT_LT(nmse(attend(p, o), reference(p, o)), lost * limit(p));
}
void check(problem const& p) { check(p, random_operands(p)); }

TEST(attention, any_size) {
    for (problem const& p : {problem{1, 1, 1, 1, 8},
                             {1, 3, 1, 7, 16},
                             {2, 3, 17, 77, 40},
                             {1, 2, 67, 131, 64},
                             {2, 1, 33, 154, 80},
                             {1, 2, 19, 70, 160},
                             {1, 1, 21, 37, 512},
                             {3, 2, 130, 65, 72},
                             {1, 1, 9, 1201, 24}})
        check(p);
}

// Fragments and tiles without loops. Not many: it takes long to compile for a software device.
TEST(attention, unrolled_as_for_a_gpu) {
    problem const p{1, 2, 67, 131, 16};
    operands const o = random_operands(p);
    target gpu = test_device().target();
    gpu.software = false;
    EXPECT_LT(nmse(attend(p, o, gpu), reference(p, o)), limit(p));
}

TEST(attention, any_type) {
    for (int q = 0; q < 3; ++q)
        for (int k = 0; k < 3; ++k) check({1, 2, 21, 43, 16, float_types[q], float_types[k], float_types[(q + k) % 3]});
}

TEST(attention, heads_of_any_size) {
    for (int d : {1, 3, 4, 12, 20}) check({2, 3, 17, 29, d, dtype::f16, dtype::f32, dtype::f32});
}

TEST(attention, many_heads) { check({1, 33000, 1, 3, 8}); }

TEST(attention, any_scale) {
    for (float scale : {1.0f, 0.01f, 0.3f, 2.5f}) check({.queries = 20, .keys = 50, .d = 48, .scale = scale});
}

TEST(attention, causal) {
    for (problem p : {problem{1, 2, 77, 77, 64}, {2, 1, 130, 130, 32}, {1, 1, 5, 90, 40}, {1, 1, 90, 5, 40}}) {
        p.causal = true;
        check(p);
    }
}

TEST(attention, bias) {
    problem const p{2, 3, 35, 41, 24};
    for (int images : {1, 2})
        for (int heads : {1, 3})
            for (dtype type : float_types) {
                operands o = random_operands(p);
                o.bias_images = images, o.bias_heads = heads, o.bias_type = type;
                o.bias = rounded(random_values(std::size_t(images) * heads * p.queries * p.keys, -3, 3, 4), type);
                check(p, o);
            }
}

// As masks: minus infinity, or the lowest number of the type.
TEST(attention, bias_hides_keys) {
    problem const p{1, 2, 20, 90, 40};
    for (float hidden : {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::lowest()}) {
        operands o = random_operands(p);
        o.bias.assign(std::size_t(p.queries) * p.keys, 0);
        for (int i = 0; i < p.queries; ++i)
            for (int j = 0; j < p.keys; ++j)
                if (j < 40 + i || j % 3 == 0) o.bias[std::size_t(i) * p.keys + j] = hidden;
        check(p, o);
    }
}

// Of SD2's size: products of 10⁵ and more, far beyond fp16, whose weights are all but one 0.
TEST(attention, large_products) {
    problem p{1, 2, 40, 130, 64};
    for (dtype type : {dtype::f32, dtype::f16}) {
        p.q_type = p.k_type = type;
        operands const o = random_operands(p, 140);
        double most = 0;
        for (int c = 0; c < p.d; ++c) most += std::abs(double(o.q[c]) * o.k[c]);
        ASSERT_GT(most, 1e5);
        check(p, o, 10); // fp32 has scores of 10⁴, the logarithms of weights, to 10⁻³ only
    }
}

// Every key's score is larger than all before it, by steps small and large.
TEST(attention, rising_scores) {
    for (float step : {0.1f, 3.0f, 40.0f, 600.0f}) {
        problem const p{.queries = 19, .keys = 101, .d = 8, .scale = 1.0f};
        operands o = random_operands(p);
        for (int i = 0; i < p.queries; ++i)
            for (int c = 0; c < p.d; ++c) o.q[i * p.d + c] = c == 0;
        for (int j = 0; j < p.keys; ++j) o.k[j * p.d] = rounded({step * float(j)}, operand_type(dtype::f32))[0];
        check(p, o);
    }
}

TEST(attention, equal_values_stay) {
    problem const p{1, 2, 37, 300, 40};
    operands o = random_operands(p, 3);
    std::ranges::fill(o.v, 0.75f);
    for (float y : attend(p, o)) ASSERT_NEAR(y, 0.75f, operand_type(dtype::f32) == dtype::f16 ? 1e-3 : 1e-6);
}

} // namespace
} // namespace sfumato
