// Configurations of diffusers beyond the golden ones: what is refused, and strength.
#include "models/eval/diffusers.h"

#include "tests/models/files/scratch.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace sfumato;
using nlohmann::json;

namespace {

json stable_diffusion(json const& more = json::object()) {
    json config{{"beta_start", 0.00085},
                {"beta_end", 0.012},
                {"beta_schedule", "scaled_linear"},
                {"steps_offset", 1},
                {"timestep_spacing", "leading"}};
    config.update(more);
    return config;
}

std::string told(std::string_view scheduler, json const& config, int steps = 4) {
    return error_of([&] { plan_diffusers(scheduler, config, {.steps = steps}); });
}

TEST(diffusers, refuses_what_it_does_not_do) {
    EXPECT_TRUE(told("LMSDiscreteScheduler", json::object())
                    .starts_with("The scheduler LMSDiscreteScheduler is not supported; there are: DDIM"));
    std::string const euler = "EulerDiscreteScheduler with ";
    EXPECT_EQ(told("EulerDiscreteScheduler", stable_diffusion({{"prediction_type", "sample"}})),
              euler + "\"prediction_type\": \"sample\" is not supported: it must be epsilon or v_prediction.");
    EXPECT_EQ(told("EulerDiscreteScheduler", stable_diffusion({{"beta_start", "0.1"}})),
              euler + "\"beta_start\": \"0.1\" is not supported: it must be a number.");
    EXPECT_EQ(told("EulerDiscreteScheduler", stable_diffusion({{"steps_offset", -1}})),
              euler + "\"steps_offset\": -1 is not supported: it must be a whole number from 0 to 1000.");
    EXPECT_EQ(told("EulerDiscreteScheduler", stable_diffusion({{"use_karras_sigmas", 1}})),
              euler + "\"use_karras_sigmas\": 1 is not supported: it must be true or false.");
    EXPECT_EQ(told("EulerDiscreteScheduler", stable_diffusion({{"beta_end", 0.00075}})),
              euler + "beta_start 0.00085 and beta_end 0.00075 is no noise schedule.");
    EXPECT_EQ(told("EulerDiscreteScheduler", json::array()),
              "The configuration of EulerDiscreteScheduler must be a JSON object.");
    EXPECT_EQ(told("DDIMScheduler", stable_diffusion()),
              "DDIMScheduler with \"clip_sample\": true is not supported."); // its default
    EXPECT_EQ(told("PNDMScheduler", stable_diffusion()),
              "PNDMScheduler with \"skip_prk_steps\": false is not supported.");
    EXPECT_EQ(told("UniPCMultistepScheduler", stable_diffusion({{"solver_type", "bh1"}})),
              "UniPCMultistepScheduler with \"solver_type\": \"bh1\" is not supported: it must be bh2.");
    EXPECT_EQ(
        told("DPMSolverMultistepScheduler", stable_diffusion({{"lambda_min_clipped", -5}})),
        "DPMSolverMultistepScheduler with \"lambda_min_clipped\": -5 is not supported: it must be null, for no limit.");
    EXPECT_EQ(told("EulerDiscreteScheduler", stable_diffusion(), 0),
              "EulerDiscreteScheduler takes 1 to 1000 steps, not 0.");
    EXPECT_EQ(told("DDIMScheduler", stable_diffusion({{"clip_sample", false}}), 1000),
              "DDIMScheduler: 1000 steps reach timestep 1000: choose fewer steps.");
}

TEST(diffusers, nulls_are_defaults) {
    json const config =
        stable_diffusion({{"sigma_min", nullptr}, {"trained_betas", nullptr}, {"use_karras_sigmas", nullptr}});
    EXPECT_EQ(plan_diffusers("EulerDiscreteScheduler", config, {.steps = 9}).sigmas,
              plan_diffusers("EulerDiscreteScheduler", stable_diffusion(), {.steps = 9}).sigmas);
}

TEST(diffusers, strength_runs_the_last_steps) {
    for (char const* name : {"EulerDiscreteScheduler", "HeunDiscreteScheduler", "DPMSolverMultistepScheduler",
                             "UniPCMultistepScheduler", "DPMSolverSDEScheduler", "PNDMScheduler", "DDIMScheduler"}) {
        json const config = stable_diffusion({{"clip_sample", false}, {"skip_prk_steps", true}});
        auto const full = plan_diffusers(name, config, {.steps = 6}),
                   part = plan_diffusers(name, config, {.steps = 6, .strength = 0.6});
        EXPECT_EQ(full.run.steps, 6) << name;
        EXPECT_EQ(part.run.steps, 3) << name; // ⌊3.6⌋
        EXPECT_EQ(part.timesteps, full.timesteps) << name;
        EXPECT_EQ(part.run.evaluations.back().timestep, full.run.evaluations.back().timestep) << name;
        evaluation const& first = part.run.evaluations.front();
        EXPECT_EQ(first.next.kept[1], 0) << name; // there is no history yet
        EXPECT_EQ(first.next.saved, 0) << name;
        EXPECT_NEAR(std::hypot(part.run.from_image.image, part.run.from_image.noise), 1 / first.input_scale, 1e-12)
            << name;
        bool const met = std::ranges::any_of(full.run.evaluations, [&](evaluation const& e) {
            return e.step == 3 && e.timestep == first.timestep && e.level.noise == part.run.from_image.noise;
        });
        EXPECT_TRUE(met) << name;
    }
    EXPECT_EQ(
        error_of([] { plan_diffusers("EulerDiscreteScheduler", stable_diffusion(), {.steps = 4, .strength = 0.2}); }),
        "Strength 0.2 leaves none of 4 steps: choose more steps or more strength.");
}

} // namespace
