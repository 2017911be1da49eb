// What the engine does with requests, on the device.
#include "engine/jobs.h"

#include "request/memory_client.h"

#include <gtest/gtest.h>

namespace sfumato {
namespace {

// The first run with a model tells how long the next one takes.
TEST(jobs, time_is_foreseen_after_the_first_run) {
    engine_jobs const jobs = open_jobs("");
    request r{.operation = operation::txt2img, .seed = 1};
    r.diffusion = {.model = "procedural:sd1-tiny", .width = 64, .height = 64, .steps = 2, .dtype = dtype::f32};
    memory_client client;
    auto const foreseen = [&](int steps) {
        request longer = r;
        longer.diffusion.steps = steps;
        return jobs.estimate(client.input(longer), client, {})->seconds;
    };
    EXPECT_LT(foreseen(2), 0) << "not known";
    ASSERT_TRUE(jobs.run(client.input(r), client, {}));
    double const two = foreseen(2), twenty = foreseen(20);
    EXPECT_GT(two, 0);
    EXPECT_GT(twenty, 1.5 * two);
    EXPECT_LT(twenty, 10 * two);
}

} // namespace
} // namespace sfumato
