// LanPaint where it can be computed by hand: two numbers of unit variance and correlation 0.8, of which one is known.
#include "models/sampling/lanpaint.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace sfumato;

namespace {

constexpr double correlation = 0.8, original = 1.5;

// E[x0 | z] = √ᾱ·Σ·(ᾱΣ + (1 − ᾱ)·1)⁻¹·z, of pairs that lie one behind the other.
std::vector<float> exact(double image, std::vector<float> const& z) {
    double const alpha = image * image, b = alpha * correlation, determinant = 1 - b * b;
    double const own = image * (1 - correlation * b) / determinant, other = image * (correlation - b) / determinant;
    std::vector<float> x0(z.size());
    for (std::size_t i = 0; i < z.size(); ++i) x0[i] = float(own * z[i] + other * z[i ^ 1]);
    return x0;
}

lanpaint_known second_is_known(std::size_t pairs) {
    lanpaint_known k{std::vector<char>(2 * pairs), std::vector<float>(2 * pairs)};
    for (std::size_t i = 1; i < 2 * pairs; i += 2) k.is_known[i] = 1, k.image[i] = original;
    return k;
}

struct spread {
    double mean = 0, deviation = 0;
};
spread of_unknown(std::vector<float> const& z) {
    double sum = 0, squares = 0, count = double(z.size()) / 2;
    for (std::size_t i = 0; i < z.size(); i += 2) sum += z[i], squares += double(z[i]) * z[i];
    return {sum / count, std::sqrt(squares / count - sum / count * sum / count)};
}

std::vector<float> normals(std::mt19937& random, std::size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> all(count);
    for (float& v : all) v = normal(random);
    return all;
}

} // namespace

TEST(lanpaint, two_rounds_without_noise) {
    noise_level const at{std::sqrt(0.5), std::sqrt(0.5)};
    std::vector<float> z{0.3f, -0.2f};
    std::vector<std::vector<float>> seen;
    auto const predict = [&](std::vector<float> const& now) { return seen.push_back(now), exact(at.image, now); };
    // 0.2 is the time of a round, not its share of the variance.
    ASSERT_TRUE(think({.rounds = 1, .step_size = 0.4}, at, second_is_known(1), z, predict, {}));
    EXPECT_NEAR(z[0], 0.225430, 1e-5);
    EXPECT_NEAR(z[1], 0.801965, 1e-5);
    z = {0.3f, -0.2f};
    ASSERT_TRUE(think({.rounds = 2, .step_size = 0.4}, at, second_is_known(1), z, predict, {}));
    EXPECT_NEAR(z[0], 0.245490, 1e-5);
    EXPECT_NEAR(z[1], 1.291816, 1e-5);
    EXPECT_EQ(seen.size(), 3u) << "an evaluation a round";
    EXPECT_FALSE(think({}, at, second_is_known(1), z, [](auto const&) { return std::vector<float>(); }, {}));
}

// Small steps end where the equation says.
TEST(lanpaint, a_long_chain_is_at_rest) {
    noise_level const at{std::sqrt(0.5), std::sqrt(0.5)};
    constexpr std::size_t pairs = 4000;
    std::mt19937 random(1);
    std::vector<float> z(2 * pairs);
    ASSERT_TRUE(think(
        {.rounds = 300, .step_size = 0.2}, at, second_is_known(pairs), z,
        [&](auto const& now) { return exact(at.image, now); }, [&] { return normals(random, 2 * pairs); }));
    spread const found = of_unknown(z);
    EXPECT_NEAR(found.mean, 0.727310, 0.04);
    EXPECT_NEAR(found.deviation * found.deviation, 0.758, 0.06);
}

// The known number says that the other one is 1.2 ± 0.6. Only to put it back before each step gets 0.48; thinking gets
// nearer, the more the longer.
TEST(lanpaint, learns_of_what_is_known) {
    constexpr std::size_t pairs = 20000;
    sampling_run const run = plan_sampling({.sampler = sampler::euler, .scheduler = scheduler::karras, .steps = 20});
    lanpaint_known const known = second_is_known(pairs);
    struct {
        int rounds;
        double mean, deviation;
    } const cases[] = {{0, 0.483, 0.766}, {2, 0.884, 0.651}, {5, 1.081, 0.605}, {10, 1.154, 0.598}};
    for (auto const& c : cases) {
        std::mt19937 random(7);
        std::vector<float> const first = normals(random, 2 * pairs);
        std::vector<float> x = first;
        for (float& v : x) v *= float(run.from_noise);
        for (std::size_t i = 0; i < run.evaluations.size(); ++i) {
            evaluation const& e = run.evaluations[i];
            for (std::size_t k = 1; k < x.size(); k += 2)
                x[k] = float(e.level.image * original + e.level.noise * first[k]);
            lanpaint_settings const settings{.rounds = c.rounds};
            if (rounds_before(settings, run, i))
                think(
                    settings, e.level, known, x, [&](auto const& z) { return exact(e.level.image, z); },
                    [&] { return normals(random, 2 * pairs); });
            std::vector<float> const x0 = exact(e.level.image, x);
            for (std::size_t k = 0; k < x.size(); ++k) {
                double const noise = (x[k] - e.level.image * x0[k]) / e.level.noise;
                x[k] = float(e.reached.image * x0[k] + e.reached.noise * noise); // Euler
            }
        }
        spread const found = of_unknown(x);
        std::printf("lanpaint: %2d rounds: %.3f ± %.3f\n", c.rounds, found.mean, found.deviation);
        EXPECT_NEAR(found.mean, c.mean, 0.02) << c.rounds;
        EXPECT_NEAR(found.deviation, c.deviation, 0.02) << c.rounds;
    }
}

TEST(lanpaint, comes_before_steps_but_the_last) {
    lanpaint_settings const settings;
    auto const rounds = [&](sampler s) {
        sampling_run const run = plan_sampling({.sampler = s, .scheduler = scheduler::normal, .steps = 3});
        std::vector<int> all;
        for (std::size_t i = 0; i < run.evaluations.size(); ++i) all.push_back(rounds_before(settings, run, i));
        return all;
    };
    EXPECT_EQ(rounds(sampler::euler), (std::vector<int>{5, 5, 0}));
    EXPECT_EQ(rounds(sampler::heun), (std::vector<int>{5, 0, 5, 0, 0}));
    EXPECT_TRUE(can_think(sampler::dpmpp_2m));
    EXPECT_FALSE(can_think(sampler::unipc));
}
