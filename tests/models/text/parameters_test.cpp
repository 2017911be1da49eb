#include "models/text/parameters.h"

#include <gtest/gtest.h>

using namespace sfumato;

TEST(parameters_text, is_as_a1111_writes_it) {
    generation_parameters p{.prompt = "a (cat:1.2), sitting",
                            .negative_prompt = "ugly,\nblurry",
                            .sampler = "DPM++ 2M",
                            .schedule_type = "Karras",
                            .seed = 4294967295,
                            .width = 768,
                            .model = "v1-5-pruned"};
    EXPECT_EQ(parameters_text(p),
              "a (cat:1.2), sitting\n"
              "Negative prompt: ugly,\nblurry\n"
              "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, "
              "Seed: 4294967295, Size: 768x512, Model: v1-5-pruned, Version: Sfumato " SFUMATO_VERSION);
}

TEST(parameters_text, says_only_what_matters) {
    EXPECT_EQ(parameters_text({.prompt = "cat", .sampler = "Euler a", .cfg_scale = 7.5f, .denoising_strength = 0.6f}),
              "cat\nSteps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 0, Size: 512x512, Denoising strength: 0.6, "
              "Version: Sfumato " SFUMATO_VERSION);
    std::string const all = parameters_text({.sampler = "DDIM", .vae = "mse.pt", .clip_skip = 2, .rng = "CPU"});
    EXPECT_NE(all.find(", VAE: mse.pt, Clip skip: 2, RNG: CPU, "), all.npos) << all;
}

TEST(parameters_text, quotes_what_would_be_misread) {
    std::string const text = parameters_text({.sampler = "DDIM", .model = "a, b: \"c\""});
    EXPECT_NE(text.find(R"(, Model: "a, b: \"c\"", Version)"), text.npos) << text;
}
