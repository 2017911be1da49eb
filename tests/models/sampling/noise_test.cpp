#include "models/sampling/noise.h"

#include "tests/models/sampling/golden.h"

#include <bit>

using namespace sfumato;

namespace {

double nmse(std::vector<float> const& got, std::vector<double> const& golden) {
    return golden_nmse(std::vector<double>(got.begin(), got.end()), golden);
}

// randn.seedS.N, one call; randn_twice.seedS.4x8x8, two.
TEST(noise, as_torch_draws_on_the_cpu) {
    int compared = 0;
    for (auto const& [name, tensor] : golden_file("torch_cpu_rng").tensors) {
        if (!name.starts_with("randn")) continue;
        noise_source source(generator::cpu, std::stoull(name.substr(name.find("seed") + 4)));
        bool const twice = name.starts_with("randn_twice");
        std::size_t const once = tensor.count() / (twice ? 2 : 1);
        std::vector<float> drawn = source.normal(once);
        if (twice) {
            auto const more = source.normal(once);
            drawn.insert(drawn.end(), more.begin(), more.end());
        }
        EXPECT_LE(nmse(drawn, golden_values(tensor)), once < 16 ? 0 : 1e-14) << name;
        ++compared;
    }
    EXPECT_EQ(compared, 4 * 6);
}

TEST(noise, uniforms_are_torchs) {
    for (auto const& [name, tensor] : golden_file("torch_cpu_rng").tensors) {
        if (!name.starts_with("rand.")) continue;
        std::mt19937 engine(std::uint32_t(std::stoull(name.substr(name.find("seed") + 4))));
        for (double wanted : golden_values(tensor)) EXPECT_EQ(double(engine() & 0xffffff) * 0x1p-24, wanted) << name;
    }
}

// Where fewer than 16 are drawn in pairs, one of a pair waits for the next call.
TEST(noise, small_draws_go_on_where_the_last_one_ended) {
    noise_source parts(generator::cpu, 5), whole(generator::cpu, 5);
    std::vector<float> drawn;
    for (std::size_t n : {3, 1, 5, 6}) {
        auto const part = parts.normal(n);
        drawn.insert(drawn.end(), part.begin(), part.end());
    }
    EXPECT_EQ(drawn, whole.normal(15));
}

TEST(noise, as_torch_draws_on_cuda) {
    // torch.manual_seed(0); torch.randn(12, device='cuda')
    float const wanted[] = {-0.92466259f, -0.42534415f, -2.6438457f,  0.14518388f,  -0.12086647f, -0.57972564f,
                            -0.62285122f, -0.32838709f, -1.07454231f, -0.36314407f, -1.67105067f, 2.26550497f};
    auto const got = noise_source(generator::cuda, 0).normal(std::size(wanted));
    for (std::size_t i = 0; i < std::size(wanted); ++i)
        EXPECT_NEAR(got[i], wanted[i], 2e-7f * std::abs(wanted[i])) << i;
}

// In double, from the words of the counter-based generator itself (Random123's known answers are below).
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint32_t key0, std::uint32_t key1) {
    for (int round = 0; round < 10; ++round) {
        std::uint64_t const a = std::uint64_t(counter[0]) * 0xd2511f53, b = std::uint64_t(counter[2]) * 0xcd9e8d57;
        counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key0, std::uint32_t(b),
                   std::uint32_t(a >> 32) ^ counter[3] ^ key1, std::uint32_t(a)};
        key0 += 0x9e3779b9;
        key1 += 0xbb67ae85;
    }
    return counter;
}

TEST(noise, every_call_on_cuda_has_its_own_counter) {
    EXPECT_EQ(philox({}, 0, 0), (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u),
              (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    for (std::uint64_t seed : {std::uint64_t(1), std::uint64_t(0xfedcba9876543210), ~std::uint64_t(0)}) {
        noise_source source(generator::cuda, seed);
        for (std::uint32_t call = 0; call < 3; ++call) {
            std::vector<double> wanted;
            for (std::uint32_t i = 0; i < 1000; ++i) {
                auto const random = philox({call, 0, i, 0}, std::uint32_t(seed), std::uint32_t(seed >> 32));
                double const u = float(random[0]) * 0x1p-32f + 0x1p-33f, turn = (random[1] + 0.5) * 0x1p-32;
                wanted.push_back(std::sqrt(-2 * std::log(u)) * std::sin(2 * M_PI * turn));
            }
            EXPECT_LE(nmse(source.normal(1000), wanted), 1e-13) << seed << ", call " << call;
        }
    }
}

// The same bits wherever this runs: a sum over them.
TEST(noise, bits_do_not_depend_on_the_machine) {
    auto const sum_of_bits = [](generator g) {
        std::uint64_t sum = 0xcbf29ce484222325;
        for (float v : noise_source(g, 12345).normal(100'003))
            sum = (sum ^ std::bit_cast<std::uint32_t>(v)) * 0x100000001b3;
        return sum;
    };
    EXPECT_EQ(sum_of_bits(generator::cpu), 11735275910839887046u);
    EXPECT_EQ(sum_of_bits(generator::cuda), 7097907827293956561u);
}

TEST(noise, is_normal) {
    for (generator g : {generator::cpu, generator::cuda}) {
        double sum = 0, squares = 0, fourths = 0;
        auto const values = noise_source(g, 3).normal(200'000);
        for (double v : values) sum += v, squares += v * v, fourths += v * v * v * v;
        double const n = double(values.size());
        EXPECT_NEAR(sum / n, 0, 0.01);
        EXPECT_NEAR(squares / n, 1, 0.02);
        EXPECT_NEAR(fourths / n, 3, 0.1);
    }
}

TEST(noise, is_drawn_picture_by_picture_and_channel_by_channel) {
    shape const s{2, 2, 3, 4};
    std::vector<noise_source> sources{{generator::cpu, 41}, {generator::cpu, 42}};
    noise_source first(generator::cpu, 41), second(generator::cpu, 42);
    for (int call = 0; call < 2; ++call) {
        auto const noise = latent_noise(sources, s);
        auto const one = first.normal(24), two = second.normal(24);
        EXPECT_EQ(noise[1], one[6]);      // the first pixel's second channel
        EXPECT_EQ(noise[24 + 5], two[7]); // the second pixel's second channel
        EXPECT_EQ(noise[47], two[23]);
        EXPECT_EQ(channels_last(channels_first(noise, s), s), noise);
    }
}

} // namespace
