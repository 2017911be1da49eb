// What is planned for models of full size and cards of many sizes. Nothing is computed, and no weights are made.
#include "models/pipelines/diffusion/denoise.h"
#include "tests/kernels/kernel_test.h"

#include <cstdlib>

namespace sfumato {
namespace {

constexpr std::uint64_t MB = 1'000'000;

struct with_budget {
    explicit with_budget(std::uint64_t bytes) {
        setenv("SFUMATO_BUDGET", std::to_string(test_device().memory_used() + bytes).c_str(), 1);
    }
    ~with_budget() { unsetenv("SFUMATO_BUDGET"); }
    with_budget(with_budget const&) = delete;
};

memory_plan plan_with(std::uint64_t budget, diffusion_model& model, run_size const& size) {
    with_budget const b(budget);
    return plan_memory(test_device(), model, size, {dtype::f16, dtype::f16, dtype::f16});
}

constexpr std::uint64_t largest_matrix = 60 * MB; // of these models' UNets: 2560 × 1280 × 3 × 3 of fp16

// The names that wait, and no more of them than must.
void expect_no_worse_than_need_be(model_part which, part_plan const& p, part_plan const& best, std::uint64_t budget,
                                  std::string const& what) {
    EXPECT_LE(p.peak(), budget) << what;
    if (best.peak() <= budget) {
        EXPECT_EQ(p.tiles, best.tiles) << what;
        EXPECT_EQ(p.waiting, best.waiting) << what << ": all of it fits";
    } else if (which.role == role::denoiser) {
        EXPECT_GT(p.waiting_bytes, 0u) << what;
        EXPECT_TRUE(p.waiting_bytes < 2 * largest_matrix || p.peak() + largest_matrix > budget)
            << what << ": one more would fit";
        EXPECT_LE(p.fetched, p.waiting_bytes) << what << ": a matrix crosses the bus twice a step";
    }
}

TEST(memory_plan, each_part_takes_the_best_that_fits) {
    struct {
        char const* model;
        int pixels;
    } const cases[] = {{"procedural:sd15", 512}, {"procedural:sd15", 1024}, {"procedural:sd21", 768}};
    for (auto const& [name, pixels] : cases) {
        diffusion_model model({.source = name});
        run_size const size{.height = pixels / 8, .width = pixels / 8};
        memory_plan const best = plan_with(100'000 * MB, model, size);
        for (auto const& [part, p] : best.parts) EXPECT_TRUE(p.tiles.tile == 0 && p.waiting_bytes == 0);
        std::uint64_t last_fetched = 0;
        for (std::uint64_t budget : {2000 * MB, 1900 * MB, 1500 * MB, 900 * MB, 450 * MB, 300 * MB}) {
            memory_plan const plan = plan_with(budget, model, size);
            std::string const what =
                std::format("{} {}², {} MB: {}", std::string(name).substr(11), pixels, budget / MB, plan.text());
            std::printf("%s; %.2f GB a step over the bus\n", what.c_str(),
                        double(plan.of({role::denoiser}).fetched) / 1e9);
            for (auto const& [part, p] : plan.parts) expect_no_worse_than_need_be(part, p, best.of(part), budget, what);
            EXPECT_LE(plan.needed, budget) << what;
            EXPECT_GE(plan.of({role::denoiser}).fetched, last_fetched) << what;
            last_fetched = plan.of({role::denoiser}).fetched;
        }
    }
}

// One stage's want is not another's: where the whole VAE fits it is not cut because the UNet is large, and the other
// way round.
TEST(memory_plan, nothing_is_given_up_for_another_part) {
    diffusion_model model({.source = "procedural:sd15"});
    memory_plan const at_1024 = plan_with(1600 * MB, model, {.height = 128, .width = 128});
    EXPECT_EQ(at_1024.of({role::vae_decoder}).tiles, tiling{}) << at_1024.text();
    EXPECT_GT(at_1024.of({role::denoiser}).waiting_bytes, 0u) << at_1024.text();
    diffusion_model tiny({.source = "procedural:sd1-tiny"});
    run_size const size{.height = 64, .width = 64};
    memory_plan const all = plan_with(100'000 * MB, tiny, size);
    memory_plan const less = plan_with(all.of({role::vae_decoder}).running - 1, tiny, size);
    EXPECT_GT(less.of({role::vae_decoder}).tiles.tile, 0) << less.text();
    EXPECT_EQ(less.of({role::denoiser}).waiting_bytes, 0u) << less.text();
}

// All of a UNet's matrices cross the bus once a step, both prompts together.
TEST(memory_plan, a_weight_crosses_the_bus_once_a_step) {
    diffusion_model model({.source = "procedural:sd15"});
    auto const weights = model.sketch({.all = true});
    denoise_costs const costs =
        measure_denoise(test_device(), *weights, model.denoiser(), {.height = 64, .width = 64}, dtype::f16);
    EXPECT_NEAR(double(costs.step_fetched), 1.68e9, 0.02e9);
    EXPECT_LE(costs.step_fetched, weights->bytes(test_device(), residence::host));
}

// A tile that is asked for is taken, or nothing: it changes pixels.
TEST(memory_plan, a_wish_is_kept_or_refused) {
    diffusion_model model({.source = "procedural:sd1-tiny"});
    run_size const size{.height = 64, .width = 64};
    auto const plan = [&](std::uint64_t budget, int tile) {
        with_budget const b(budget);
        return plan_memory(test_device(), model, size, {.decode_tile = tile});
    };
    std::uint64_t const whole = plan(100'000 * MB, 64).of({role::vae_decoder}).peak();
    EXPECT_EQ(plan(100'000 * MB, 48).of({role::vae_decoder}).tiles, tiles_of_side(48));
    EXPECT_EQ(plan(100'000 * MB, 200).of({role::vae_decoder}).tiles, tiling{});
    try {
        plan(whole / 2, 64);
        ADD_FAILURE() << "it does not fit";
    } catch (no_room const& e) {
        EXPECT_EQ(e.part, model_part{role::vae_decoder});
        EXPECT_NE(std::string(e.what()).find("GPU memory at least"), std::string::npos) << e.what();
    }
    EXPECT_GT(plan(whole / 2, 0).of({role::vae_decoder}).tiles.tile, 0);
}

// A part whose smallest tensor is larger than the device allows at once is planned in smaller tiles.
TEST(memory_plan, knows_the_largest_buffer) {
    setenv("SFUMATO_LARGEST_BUFFER", "268435456", 1);
    device small;
    unsetenv("SFUMATO_LARGEST_BUFFER");
    diffusion_model model({.source = "procedural:sd15"});
    memory_plan const plan = plan_memory(small, model, {.height = 128, .width = 128}, {});
    part_plan const& decode = plan.of({role::vae_decoder});
    EXPECT_GT(decode.tiles.tile, 0) << plan.text(); // 128 × 1024² of fp32 are 512 MiB
    EXPECT_GT(decode.running, 268435456u) << plan.text();
    EXPECT_EQ(plan.of({role::denoiser}).waiting_bytes, 0u) << plan.text();
}

} // namespace
} // namespace sfumato
