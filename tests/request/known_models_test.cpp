// What models are run with that want other steps than most.
#include "request/known_models.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

diffusion_settings by(std::string model) {
    diffusion_settings d;
    d.model = std::move(model);
    return d;
}

// "Lightning: 4 steps, guidance 1, Euler, Trailing"; empty: nothing is known of them.
std::string told(diffusion_settings const& d) {
    auto const known = known_by_name(d);
    return known ? known->kind + ": " + in_words(known->settings).text() : "";
}

} // namespace

TEST(known_models, are_known_by_the_files_names) {
    struct {
        std::string file, wanted;
    } const cases[] = {
        {"/m/sdxl_lightning_4step.safetensors", "Lightning: 4 steps, guidance 1, Euler, Trailing"},
        {"/m/sdxl_lightning_2step_lora.safetensors", "Lightning: 2 steps, guidance 1, Euler, Trailing"},
        {"/m/dreamshaperXL_v21TurboDPMSDE.safetensors", "Turbo: 4 steps, guidance 1, Euler a, Trailing"},
        {"/m/DreamShaperXL_Lightning.safetensors", "Lightning: 4 steps, guidance 1, Euler, Trailing"},
        {"/m/sd_xl_turbo_1.0_fp16.safetensors", "Turbo: 4 steps, guidance 1, Euler a, Trailing"},
        {"/m/sd3.5_large_turbo.safetensors", "Turbo: 4 steps, guidance 1, Euler"},
        {"/m/stable-diffusion-3.5-large-turbo/", "Turbo: 4 steps, guidance 1, Euler"},
        {"/m/Hyper-SDXL-8steps-lora.safetensors", "Hyper-SD: 8 steps, guidance 1, DDIM, Trailing"},
        {"/m/Hyper-SD15-12steps-CFG-lora.safetensors", "Hyper-SD: 12 steps, guidance 5, DDIM, Trailing"},
        {"/m/dmd2_sdxl_4step_lora_fp16.safetensors", "DMD2: 4 steps, guidance 1, LCM, Trailing"},
        {"/m/lcm-lora-sdxl/pytorch_lora_weights.safetensors", "LCM: 4 steps, guidance 1, LCM"},
        {"/m/LCM_Dreamshaper_v7", "LCM: 4 steps, guidance 1, LCM"},
        {"/m/sdxl-turbo/unet/diffusion_pytorch_model.fp16.safetensors", ""}, // it says "unet"
        {"/m/sd3.5_medium.safetensors", "Stable Diffusion 3: 28 steps, guidance 4.5, DPM++ 2M"},
        {"/m/sd3_medium_incl_clips.safetensors", "Stable Diffusion 3: 28 steps, guidance 4.5, DPM++ 2M"},
        {"/m/stable-diffusion-3.5-large/", "Stable Diffusion 3: 28 steps, guidance 4.5, DPM++ 2M"},
        // A single step needs what is not done here.
        {"/m/sdxl_lightning_1step_x0.safetensors", ""},
        {"/m/Hyper-SDXL-1step-lora.safetensors", ""},
        // Ordinary ones.
        {"/m/v1-5-pruned-emaonly.safetensors", ""},
        {"/m/hyperrealism_v3.safetensors", ""},
        {"/m/falcmorph.safetensors", ""},
        {"/m/sd300_mix.safetensors", ""},
        {"/turbo/sd_xl_base_1.0.safetensors", ""},
        {"", ""},
        {"/", ""},
        {"/m/model.safetensors", ""},
        {"model", ""},
    };
    for (auto const& c : cases) EXPECT_EQ(told(by(c.file)), c.wanted) << c.file;
}

TEST(known_models, a_lora_goes_before_the_model) {
    diffusion_settings d = by("/m/sdxl_turbo.safetensors");
    d.loras = {{.file = "/l/sdxl_lightning_8step_lora.safetensors"}};
    EXPECT_EQ(told(d), "Lightning: 8 steps, guidance 1, Euler, Trailing");
    d = by("/m/sd_xl_base_1.0.safetensors");
    d.prompt = "a fox <lora:ink:0.5>, <lora:lcm-lora-sdxl>";
    EXPECT_EQ(told(d), "LCM: 4 steps, guidance 1, LCM");
    d.prompt = "a turbo <lora:ink:0.5> <lightning>";
    EXPECT_EQ(told(d), "");
}

TEST(known_models, are_offered_where_others_are_set_and_taken_back_after) {
    diffusion_settings d = by("/m/sdxl_lightning_4step.safetensors");
    auto const offered = better_steps(d);
    ASSERT_TRUE(offered);
    EXPECT_EQ(*offered, (step_settings{4, 1, sampler::euler, scheduler::trailing}));
    d.steps = offered->steps, d.cfg = offered->cfg, d.sampler = offered->sampler, d.scheduler = offered->scheduler;
    EXPECT_FALSE(better_steps(d));
    d.model = "/m/sd_xl_base_1.0.safetensors";
    EXPECT_EQ(better_steps(d), step_settings());
    d.steps = 20;
    EXPECT_FALSE(better_steps(d)); // somebody wants it so
    d.model = "/m/sdxl_lightning_4step.safetensors";
    EXPECT_EQ(better_steps(d), offered); // … but it cannot do it
    d = by("/m/sd3.5_medium.safetensors");
    EXPECT_EQ(better_steps(d), (step_settings{28, 4.5, sampler::dpmpp_2m, {}}));
    d.cfg = 6;
    EXPECT_FALSE(better_steps(d));
    EXPECT_FALSE(better_steps(by("/m/sd_xl_base_1.0.safetensors")));
    EXPECT_EQ(in_words({1, 1.5, sampler::lcm, {}}).text(), "1 step, guidance 1.5, LCM");
}
