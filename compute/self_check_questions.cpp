#include "compute/self_check_questions.h"

#include "compute/ops.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

using floats = std::vector<float>;

// Eighths from −1 to 7/8, which every type holds: products of them are exact even in fp16.
floats eighths(std::size_t count, std::uint32_t seed) {
    floats all(count);
    for (float& v : all) {
        seed = seed * 1664525u + 1013904223u;
        v = (float(seed >> 28) - 8) / 8;
    }
    return all;
}

// A question in the making.
struct draft : question {
    draft(std::string family, target const& t) : question{std::move(family), graph(t)} {}

    tensor input(shape s, std::uint32_t seed, dtype type) {
        inputs.push_back({g.input(s, type), eighths(s.count(), seed)});
        return inputs.back().first;
    }
    floats const& values(tensor const& t) const {
        return std::ranges::find(inputs, t.id, [](auto const& i) { return i.first.id; })->second;
    }
    question done(tensor const& to) {
        g.output(answer = to);
        return std::move(*this);
    }
};

// Sizes that are no multiples of any tile.
question ask_linear(target const& t) {
    constexpr int m = 70, n = 44, k = 72;
    draft q("gemm", t);
    tensor const x = q.input({.w = m, .c = k}, 1, t.storage()), w = q.input({.w = n, .c = k}, 2, dtype::f32);
    tensor const y = linear(q.g, x, pack_linear(q.g, w, weight_format::f16), {.type = dtype::f32});
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            float sum = 0;
            for (int l = 0; l < k; ++l) sum += q.values(x)[i * k + l] * q.values(w)[j * k + l];
            q.wanted.push_back(sum);
        }
    return q.done(y);
}

question convolution(std::string family, target const& t, int h, int width, int inputs, int outputs) {
    draft q(std::move(family), t);
    tensor const x = q.input({.h = h, .w = width, .c = inputs}, 3, t.storage()),
                 w = q.input({.n = outputs, .h = inputs, .w = 3, .c = 3}, 4, dtype::f32);
    tensor const result = conv2d(q.g, x, pack_conv2d(q.g, w, weight_format::f16), same_3x3, {.type = dtype::f32});
    floats const &pixels = q.values(x), &weights = q.values(w);
    auto const pixel = [&](int y, int column, int c) {
        bool const inside = y >= 0 && y < h && column >= 0 && column < width;
        return inside ? pixels[(y * width + column) * inputs + c] : 0;
    };
    for (int i = 0; i < h * width; ++i)
        for (int o = 0; o < outputs; ++o) {
            float sum = 0;
            for (int c = 0; c < inputs; ++c)
                for (int tap = 0; tap < 9; ++tap)
                    sum += pixel(i / width + tap / 3 - 1, i % width + tap % 3 - 1, c) *
                           weights[(o * inputs + c) * 9 + tap];
            q.wanted.push_back(sum);
        }
    return q.done(result);
}

// exp(x − largest) / sum, in place.
void softmax_row(std::span<float> row) {
    float const largest = *std::ranges::max_element(row);
    float sum = 0;
    for (float& v : row) sum += v = std::exp(v - largest);
    for (float& v : row) v /= sum;
}

question attention_of(std::string family, target const& t, int queries, int d) {
    constexpr int keys = 77, heads = 2;
    int const c = heads * d;
    draft a(std::move(family), t);
    tensor const q = a.input({.w = queries, .c = c}, 5, t.storage()), k = a.input({.w = keys, .c = c}, 6, t.storage()),
                 v = a.input({.w = keys, .c = c}, 7, t.storage());
    tensor const y = attention(a.g, q, k, v, {.heads = heads});
    a.wanted.assign(queries * c, 0);
    for (int i = 0; i < queries; ++i)
        for (int head = 0; head < heads; ++head) {
            floats weights(keys);
            for (int j = 0; j < keys; ++j)
                for (int l = head * d; l < (head + 1) * d; ++l)
                    weights[j] += a.values(q)[i * c + l] * a.values(k)[j * c + l] / std::sqrt(float(d));
            softmax_row(weights);
            for (int j = 0; j < keys; ++j)
                for (int l = head * d; l < (head + 1) * d; ++l)
                    a.wanted[i * c + l] += weights[j] * a.values(v)[j * c + l];
        }
    return a.done(y);
}

question ask_group_norm(target const& t) {
    constexpr int pixels = 35, c = 64, groups = 32, size = c / groups;
    draft q("group_norm", t);
    tensor const x = q.input({.h = 5, .w = 7, .c = c}, 8, t.storage()), weight = q.input({.c = c}, 9, dtype::f32),
                 bias = q.input({.c = c}, 10, dtype::f32);
    tensor const y = group_norm(q.g, x, groups, weight, bias, 1e-5f);
    for (int i = 0; i < pixels * c; ++i) {
        int const channel = i % c, first = channel / size * size;
        double sum = 0, squares = 0;
        for (int p = 0; p < pixels; ++p)
            for (int l = first; l < first + size; ++l) {
                double const value = q.values(x)[p * c + l];
                sum += value;
                squares += value * value;
            }
        double const mean = sum / (pixels * size), variance = squares / (pixels * size) - mean * mean;
        q.wanted.push_back(float((q.values(x)[i] - mean) / std::sqrt(variance + 1e-5) * q.values(weight)[channel] +
                                 q.values(bias)[channel]));
    }
    return q.done(y);
}

question ask_softmax(target const& t) {
    constexpr int rows = 7, c = 300;
    draft q("softmax", t);
    tensor const x = q.input({.w = rows, .c = c}, 11, t.storage());
    tensor const y = softmax(q.g, x, 3);
    q.wanted = q.values(x);
    for (float& v : q.wanted) v *= 3;
    for (int row = 0; row < rows; ++row) softmax_row(std::span(q.wanted).subspan(row * c, c));
    return q.done(y);
}

} // namespace

std::vector<question> questions(target const& t) {
    std::vector<question> all;
    all.push_back(ask_linear(t));
    all.push_back(convolution("conv2d", t, 7, 9, 20, 40));
    all.push_back(attention_of("attention", t, 37, 40));
    all.push_back(ask_group_norm(t));
    all.push_back(ask_softmax(t));
    return all;
}

question question_of_block(target const& t, std::uint32_t m, std::uint32_t n, std::uint32_t k) {
    target forced = t;
    forced.block = {m, n, k};
    char const* const kind = t.matrix == matrix_path::nv2 && !t.flexible.m ? " by subgroups" : "";
    return convolution(std::format("gemm {}x{}x{}{}", m, n, k, kind), forced, 16, int(m) / 8 + 3, 40, 2 * int(n) + 8);
}

question question_of_head_size(target const& t, int d, int queries) {
    return attention_of(std::format("attention {}", d), t, queries, d);
}

} // namespace sfumato
