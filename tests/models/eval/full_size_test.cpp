// Networks of full size with procedural weights: what tiny ones cannot show.
#include "models/eval/networks.h"
#include "models/library/open_checkpoint.h"
#include "tests/models/pipelines/cancel.h"

#include <chrono>
#include <cstdio>

namespace sfumato {
namespace {

case_tensor random_tensor(std::vector<std::int64_t> shape, unsigned seed) {
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= std::size_t(extent);
    return {std::move(shape), random_values(count, -1.7f, 1.7f, seed)};
}

// Stable Diffusion 1.5 at 256²: the same numbers each time, and whether weights lie on the device or are streamed.
TEST(full_size, unet) {
    auto const file = std::make_shared<checkpoint const>(open_checkpoint("procedural:sd15"));
    network_case c{.source = "test"};
    c.tensors = {{"in.sample", random_tensor({1, 4, 32, 32}, 1)},
                 {"in.timestep", {{1}, {981}}},
                 {"in.context", random_tensor({1, 77, 768}, 2)}};
    std::vector<float> first;
    for (bool waiting : {false, false, true}) {
        auto const start = std::chrono::steady_clock::now();
        auto const values =
            eval_unet(test_device(), file, c, {.type = dtype::f16, .waiting = {.all = waiting}})["out.sample"].values;
        std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
        std::printf("weights %s: %.1f s, loading them included\n", waiting ? "fetched" : "on the device",
                    seconds.count());
        ASSERT_TRUE(std::ranges::all_of(values, [](float v) { return std::isfinite(v); }));
        if (first.empty()) first = values;
        EXPECT_EQ(values, first);
    }
    auto const [low, high] = std::ranges::minmax(first);
    EXPECT_GT(high - low, 0.1);
}

// Of a prompt of 30 chunks and a picture of 512².
TEST(full_size, every_stage_ends_within_a_second) {
    diffusion_model model({.source = "procedural:sd15"});
    std::string prompt;
    for (int i = 0; i < 30 * 75 / 2; ++i) prompt += "fox, ";
    expect_to_end_within_a_second(model, prompt, 64, dtype::f16);
}

} // namespace
} // namespace sfumato
