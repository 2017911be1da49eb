// What the engine does with requests, on the device.
#include "engine/jobs.h"

#include "request/memory_client.h"
#include "tests/environment_variable.h"
#include "tests/scratch_folder.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace sfumato {
namespace {

// The first run with a model tells how long the next one takes, also to another engine, and with another model.
TEST(jobs, time_is_foreseen_after_the_first_run) {
    scratch_folder const cache;
    environment_variable const cached("XDG_CACHE_HOME", cache.path.string());
    engine_jobs jobs = open_jobs("");
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
    jobs = open_jobs("");
    EXPECT_NEAR(foreseen(20), twenty, 0.01 * twenty) << "another engine";
    r.diffusion.model = "procedural:sd2-tiny";
    EXPECT_GT(foreseen(20), 0) << "another model";
    cache.put("sfumato/pace.json", R"({"x": 1, "y": {"z": "w"}, "broken": )");
    jobs = open_jobs("");
    EXPECT_LT(foreseen(20), 0) << "a damaged file";
}

// … and the first fill.
TEST(jobs, time_of_a_fill_is_foreseen) {
    scratch_folder const cache;
    environment_variable const cached("XDG_CACHE_HOME", cache.path.string());
    engine_jobs const jobs = open_jobs("");
    memory_client client;
    client.pictures["picture"] = picture(96, 96);
    std::ranges::fill(client.pictures["picture"].pixels, 1.0f);
    client.masks["selection"] = mask(96, 96);
    std::fill_n(client.masks["selection"].values.begin() + 40 * 96 + 40, 12, 1.0f);
    request const r{.operation = operation::inpaint, .method = method::patchmatch, .seed = 1};
    auto const foreseen = [&] { return jobs.estimate(client.input(r), client, {})->seconds; };
    EXPECT_LT(foreseen(), 0);
    ASSERT_TRUE(jobs.run(client.input(r), client, {}));
    EXPECT_GT(foreseen(), 0);
}

// A run may name the device; where that is another one than is open, nothing of the models stays behind.
TEST(jobs, a_run_names_its_device) {
    scratch_folder const cache;
    environment_variable const cached("XDG_CACHE_HOME", cache.path.string());
    engine_jobs const jobs = open_jobs("");
    std::vector<device_choice> const devices = jobs.devices();
    ASSERT_FALSE(devices.empty());
    EXPECT_EQ(devices[0].device, devices[0].name) << "the first one of its name";
    request r{.operation = operation::txt2img, .seed = 1};
    r.diffusion = {.model = "procedural:sd1-tiny", .width = 64, .height = 64, .steps = 2, .dtype = dtype::f32};
    memory_client client;
    run_input in = client.input(r);
    ASSERT_TRUE(jobs.run(in, client, {}));
    in.device = "no such device";
    EXPECT_THROW(jobs.run(in, client, {}), error);
    for (std::optional<std::string> const& device :
         {std::optional(devices[0].device), std::optional<std::string>("0"), {}, std::optional<std::string>("")}) {
        in.device = device;
        ASSERT_TRUE(jobs.run(in, client, {}));
        EXPECT_EQ(client.results.back().picture.pixels, client.results.front().picture.pixels);
    }
}

} // namespace
} // namespace sfumato
