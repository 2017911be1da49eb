// What the engine does with requests, on the device.
#include "engine/jobs.h"

#include "request/memory_client.h"
#include "tests/environment_variable.h"
#include "tests/scratch_folder.h"

#include <algorithm>
#include <array>
#include <cmath>
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

// A stroke on a disc: all of it is filled, and nothing where nobody asked for that.
TEST(jobs, an_object_is_found_before_it_is_filled) {
    scratch_folder const cache;
    environment_variable const cached("XDG_CACHE_HOME", cache.path.string());
    engine_jobs const jobs = open_jobs("");
    memory_client client;
    picture& p = client.pictures["picture"] = picture(160, 120);
    for (int y = 0; y < 120; ++y)
        for (int x = 0; x < 160; ++x) {
            bool const is_disc = std::hypot(x - 80, y - 60) < 30;
            std::array const c{is_disc ? 0.9f : 0.2f, 0.4f, is_disc ? 0.1f : 0.7f, 1.0f};
            std::ranges::copy(c, &p.pixels[4 * std::size_t(y * 160 + x)]);
        }
    mask& stroke = client.masks["selection"] = mask(160, 120);
    std::fill_n(stroke.values.begin() + 60 * 160 + 65, 30, 1.0f);
    request r{.operation = operation::inpaint, .method = method::patchmatch, .seed = 1};
    auto const filled_at = [&](int x, int y) {
        client.results.clear();
        EXPECT_TRUE(jobs.run(client.input(r), client, {}));
        run_result const& made = client.results.at(0);
        int const u = x - made.x, v = y - made.y;
        bool const is_inside = u >= 0 && v >= 0 && u < made.mask.width && v < made.mask.height;
        return is_inside ? made.mask.values[std::size_t(v * made.mask.width + u)] : 0;
    };
    EXPECT_EQ(filled_at(80, 40), 0);
    r.object = true;
    EXPECT_EQ(filled_at(80, 40), 1);
    EXPECT_EQ(filled_at(80, 20), 0);
    EXPECT_TRUE(client.results.at(0).recipe.object);
}

} // namespace
} // namespace sfumato
