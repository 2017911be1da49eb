#include "models/sampling/noise.h"

#include <array>
#include <bit>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

constexpr double pi = 3.14159265358979323846;

// Coefficients of series in s = x²: 1/3 1/5 … of atanh, 1/3! 1/5! … of the sine, 1/2! 1/4! … of the cosine.
constexpr int terms = 12;
struct series {
    double coefficients[terms]{};

    constexpr double operator()(double s) const {
        double sum = 0;
        for (int k = terms; k-- > 0;) sum = s * (coefficients[k] + sum);
        return sum;
    }
};
constexpr series inverse_tangent = [] {
    series a;
    for (int k = 0; k < terms; ++k) a.coefficients[k] = 1.0 / (2 * k + 3);
    return a;
}();
constexpr series sine_or_cosine(int first) {
    series a;
    double term = 1;
    for (int k = 0; k < terms; ++k) a.coefficients[k] = term /= -double((2 * k + first) * (2 * k + first + 1));
    return a;
}
constexpr series sine_series = sine_or_cosine(2), cosine_series = sine_or_cosine(1);

// Natural logarithm of a normal number > 0, to about 1e-16: 2·atanh((m − 1)/(m + 1)) of a mantissa m in √½ … √2.
double logarithm(double x) {
    constexpr std::uint64_t sqrt_half = 0x3fe6a09e667f3bcd;
    std::uint64_t const bits = std::bit_cast<std::uint64_t>(x) - sqrt_half;
    double const exponent = double(std::int64_t(bits) >> 52);
    double const m = std::bit_cast<double>((bits & 0xfffffffffffff) + sqrt_half);
    double const r = (m - 1) / (m + 1);
    return exponent * 0.693147180559945309417 + (2 * r + 2 * r * inverse_tangent(r * r));
}

// sin(2πx) and cos(2πx), 0 ≤ x < 2, to about 1e-16: Taylor's series within an eighth of a turn.
struct sine_cosine {
    double sine, cosine;
};
sine_cosine of_turns(double x) {
    int const quarter = int(4 * x + 0.5);
    double const angle = 2 * pi * (x - quarter / 4.0), s = angle * angle;
    double const sine = angle + angle * sine_series(s), cosine = 1 + cosine_series(s);
    switch (quarter % 4) {
    case 0: return {sine, cosine};
    case 1: return {cosine, -sine};
    case 2: return {-sine, -cosine};
    default: return {-cosine, sine};
    }
}

// Box and Muller's pair, each operation rounded to float as in torch.
struct float_pair {
    float sine, cosine;
};
float_pair box_muller(float u, double turns) {
    float const radius = std::sqrt(-2.0f * float(logarithm(u)));
    auto const [sine, cosine] = of_turns(turns);
    return {radius * float(sine), radius * float(cosine)};
}

// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t seed) {
    auto key0 = std::uint32_t(seed), key1 = std::uint32_t(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        std::uint64_t const a = std::uint64_t(counter[0]) * 0xd2511f53, b = std::uint64_t(counter[2]) * 0xcd9e8d57;
        counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key0, std::uint32_t(b),
                   std::uint32_t(a >> 32) ^ counter[3] ^ key1, std::uint32_t(a)};
        key0 += 0x9e3779b9;
        key1 += 0xbb67ae85;
    }
    return counter;
}

} // namespace

noise_source::noise_source(generator g, std::uint64_t seed)
    : generator_(g), seed_(seed), engine_(std::uint32_t(seed)) {} // torch's MT19937 takes the low 32 bits, too

std::vector<float> noise_source::normal(std::size_t count) {
    return generator_ == generator::cpu ? normal_cpu(count) : normal_cuda(count);
}

// 16 or more: uniforms of 24 bits for all; then in blocks of 16, the first 8 with the last 8. What is left over at the
// end has the last 16 drawn anew. Fewer: pairs in double, of which one may stay for the next call.
std::vector<float> noise_source::normal_cpu(std::size_t count) {
    std::vector<float> values(count);
    if (count < 16) {
        for (float& v : values) v = float(pair_member());
        return values;
    }
    auto const draw = [this](float* to, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) to[i] = float(engine_() & 0xffffff) * 0x1p-24f;
    };
    auto const transform = [](float* block) {
        for (int i = 0; i < 8; ++i) {
            auto const [sine, cosine] = box_muller(1 - block[i], float(2 * pi) * block[i + 8] / (2 * pi));
            block[i] = cosine;
            block[i + 8] = sine;
        }
    };
    draw(values.data(), count);
    for (std::size_t i = 0; i + 16 <= count; i += 16) transform(&values[i]);
    if (count % 16) {
        draw(&values[count - 16], 16);
        transform(&values[count - 16]);
    }
    return values;
}

double noise_source::pair_member() {
    if (second_) {
        double const value = *second_;
        second_.reset();
        return value;
    }
    auto const uniform = [this] {
        std::uint64_t const high = engine_(), low = engine_();
        return double((high << 32 | low) & ((1ull << 53) - 1)) * 0x1p-53;
    };
    double const turn = uniform(), u = uniform();
    double const radius = std::sqrt(-2 * logarithm(1 - u));
    auto const [sine, cosine] = of_turns(turn);
    second_ = radius * sine;
    return radius * cosine;
}

// Element i has a block of its own, (call, 0, i, 0), and takes the sine of its first two words. So it is on CUDA while
// a tensor has no more elements than the launch has threads; A1111 ("NV") has it so for all sizes.
std::vector<float> noise_source::normal_cuda(std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto const random = philox({calls_, 0, std::uint32_t(i), 0}, seed_);
        float const u = float(random[0]) * 0x1p-32f + 0x1p-33f;
        values[i] = box_muller(u, (random[1] + 0.5) * 0x1p-32).sine;
    }
    ++calls_;
    return values;
}

noise_source later_noise(generator g, std::uint64_t seed, noise_source const& first) {
    return g == generator::cuda ? first : noise_source(generator::cuda, seed);
}

std::vector<float> latent_noise(std::span<noise_source> sources, shape s) {
    assert(sources.size() == std::size_t(s.n));
    std::vector<float> all;
    for (noise_source& source : sources) {
        auto const one = source.normal(s.count() / std::size_t(s.n));
        all.insert(all.end(), one.begin(), one.end());
    }
    return channels_last(all, s);
}

namespace {

// Calls move(index with channels last, index with channels first) for every element.
void for_both_orders(shape s, auto move) {
    std::size_t const pixels = std::size_t(s.h) * s.w, channels = std::size_t(s.c);
    for (std::size_t n = 0; n < std::size_t(s.n); ++n)
        for (std::size_t p = 0; p < pixels; ++p)
            for (std::size_t c = 0; c < channels; ++c)
                move((n * pixels + p) * channels + c, (n * channels + c) * pixels + p);
}

} // namespace

std::vector<float> channels_last(std::span<float const> from, shape s) {
    assert(from.size() == s.count());
    std::vector<float> to(from.size());
    for_both_orders(s, [&](std::size_t last, std::size_t first) { to[last] = from[first]; });
    return to;
}

std::vector<float> channels_first(std::span<float const> from, shape s) {
    assert(from.size() == s.count());
    std::vector<float> to(from.size());
    for_both_orders(s, [&](std::size_t last, std::size_t first) { to[first] = from[last]; });
    return to;
}

} // namespace sfumato
