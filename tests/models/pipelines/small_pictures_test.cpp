// The model that comes with the program and draws: small pictures, enlarged to what is asked for.
#include "models/pipelines/diffusion/small_pictures.h"

#include "models/pipelines/diffusion/diffusion_model.h"
#include "models/pipelines/upscale/upscale.h"
#include "pictures/picture_file.h"
#include "request/model_summary.h"
#include "tests/models/pipelines/generate_cases.h"

namespace sfumato {
namespace {

// As it lies in the source: there is none beside this program.
request drawing(int width, int height) {
    request r = small_request();
    r.diffusion.model = DRAWING_MODEL;
    r.diffusion.width = width;
    r.diffusion.height = height;
    return r;
}

TEST(small_pictures, are_enlarged_to_about_what_the_model_knows) {
    EXPECT_EQ(enlargement_for({128, 128}, 128), 1);
    EXPECT_EQ(enlargement_for({160, 160}, 128), 1);
    EXPECT_EQ(enlargement_for({256, 256}, 128), 2);
    EXPECT_EQ(enlargement_for({384, 256}, 128), 2);
    EXPECT_EQ(enlargement_for({512, 512}, 128), 4);
    EXPECT_EQ(enlargement_for({1024, 1024}, 128), 8);
    EXPECT_EQ(enlargement_for({2048, 2048}, 128), 16);
    EXPECT_EQ(enlargement_for({6000, 4000}, 128), 16);
    // No side of what is made is shorter than 64.
    EXPECT_EQ(enlargement_for({1024, 128}, 128), 2);
    EXPECT_EQ(enlargement_for({1024, 127}, 128), 1);
    EXPECT_EQ(enlargement_for({4096, 64}, 128), 1);
    EXPECT_EQ(enlargement_for({2048, 2048}, 512), 1);
    EXPECT_EQ(usual_side(128), 512);
    EXPECT_EQ(usual_side(512), 512);
    EXPECT_EQ(usual_side(1024), 1024);
    EXPECT_EQ(usual_side(0), 0);
}

TEST(small_pictures, are_means_when_shrunk) {
    picture p(5, 3);
    for (std::size_t i = 0; i < p.pixels.size(); ++i) p.pixels[i] = i % 4 == 3 ? 1.0f : float(i / 4);
    picture const made = shrunk(p, 2);
    ASSERT_EQ(made.width, 3);
    ASSERT_EQ(made.height, 2);
    EXPECT_FLOAT_EQ(made.pixels[0], (0 + 1 + 5 + 6) / 4.0f);
    EXPECT_FLOAT_EQ(made.pixels[8], (4 + 4 + 9 + 9) / 4.0f); // the border again
    EXPECT_FLOAT_EQ(made.pixels[4 * 5 + 2], 14);
    EXPECT_EQ(shrunk(p, 1).pixels, p.pixels);

    p = picture(2, 1); // what is transparent has no colour
    p.pixels = {0.25f, 0.5f, 0.75f, 0.5f, 1, 1, 1, 0};
    EXPECT_EQ(shrunk(p, 2).pixels, (std::vector<float>{0.25f, 0.5f, 0.75f, 0.25f}));
}

// More than what the upscaler does at once.
TEST(small_pictures, are_enlarged_to_any_size) {
    shelf models;
    request const r = resolve({.operation = operation::upscale, .upscale = {.scale = 4}});
    upscale_model& upscaler = open_upscaler(models, r.upscale);
    picture small(1040, 16);
    for (std::size_t i = 0; i < small.pixels.size(); ++i)
        small.pixels[i] = i % 4 == 3 ? 1.0f : float(i / 4 % 1040) / 1040;
    auto const large = enlarged(test_device(), upscaler, small, 4, {}, {});
    ASSERT_TRUE(large);
    EXPECT_EQ(large->width, 4160);
    EXPECT_EQ(large->height, 64);
    EXPECT_GT(psnr(shrunk(*large, 4), small), 45);
}

TEST(shipped_drawing, makes_pictures_of_any_size) {
    shelf models;
    for (auto const& [width, height] :
         {std::pair(128, 128), std::pair(200, 104), std::pair(512, 384), std::pair(1024, 128)}) {
        auto const made = run(models, drawing(width, height)).made;
        EXPECT_EQ(made.width, width);
        EXPECT_EQ(made.height, height);
    }
    auto const usual = run(models, drawing(0, 0));
    EXPECT_EQ(usual.made.width, 512);
    EXPECT_EQ(usual.made.pixels, run(models, usual.recipe).made.pixels);
}

// What PyTorch makes of the same noise (tests/reference/drawing_reference.py): its picture has 8 bits.
TEST(shipped_drawing, is_what_pytorch_makes) {
    request r{.operation = operation::txt2img, .seed = 7};
    r.diffusion = {.model = DRAWING_MODEL,
                   .prompt = "a red apple, 3d icon",
                   .width = 128,
                   .height = 128,
                   .steps = 20,
                   .cfg = 4,
                   .sampler = sampler::euler,
                   .scheduler = scheduler::trailing,
                   .rng = generator::cpu};
    picture const wanted = picture_file(GOLDEN "/drawing.png").crop({0, 0, 128, 128});
    for (dtype type : {dtype::f32, dtype::f16}) {
        double const figure = psnr(run(r, type).made, wanted);
        std::printf("%s: %.1f dB\n", type == dtype::f32 ? "fp32" : "fp16", figure);
        EXPECT_GT(figure, 45);
    }
}

// The large one is the small one, enlarged.
TEST(shipped_drawing, a_large_picture_is_the_small_one) {
    picture const small = run(drawing(128, 96)).made, large = run(drawing(512, 384)).made;
    EXPECT_GT(psnr(shrunk(large, 4), small), 30);
}

// Also of icons that are smaller than what a model makes.
TEST(shipped_drawing, img2img_keeps_size_transparency_and_at_a_small_strength_the_picture) {
    for (auto const& [width, height] : {std::pair(301, 270), std::pair(48, 40)}) {
        request r = drawing(0, 0);
        r.operation = operation::img2img;
        picture from(width, height);
        for (std::size_t i = 0; i < from.pixels.size(); ++i)
            from.pixels[i] = i % 4 == 3 ? 0.5f : i % 4 == 0 ? float(i / 4 % width) / float(width) : 0.8f;
        r.diffusion.strength = 0.1;
        picture const near = run(r, dtype::f32, &from).made;
        r.diffusion.strength = 1;
        picture const far = run(r, dtype::f32, &from).made;
        ASSERT_EQ(near.width, width);
        ASSERT_EQ(near.height, height);
        for (std::size_t i = 3; i < from.pixels.size(); i += 4) ASSERT_EQ(near.pixels[i], 0.5f);
        std::printf("%d × %d: strength 0.1 %.1f dB, 1 %.1f dB\n", width, height, psnr(near, from), psnr(far, from));
        EXPECT_GT(psnr(near, from), psnr(far, from) + 5);
    }
}

// Its latents are no other model's, whose VAEs, LoRAs and previews say that they are for Stable Diffusion 1.
TEST(shipped_drawing, is_a_family_of_its_own) {
    diffusion_model const own({.source = DRAWING_MODEL});
    EXPECT_EQ(own.what().family, own_family);
    EXPECT_EQ(own.what().vae_origin.family, own_family);
    EXPECT_TRUE(own.latents().is_own);
    EXPECT_THROW(diffusion_model({.source = "procedural:sd1-tiny", .parts = {DRAWING_MODEL}}), error);
    EXPECT_THROW(diffusion_model({.source = DRAWING_MODEL, .parts = {"procedural:sd1-tiny"}}), error);
}

// The least squares that previews are made with (latent_format.cpp).
TEST(shipped_drawing, is_seen_in_its_previews) {
    request r = drawing(128, 128);
    r.diffusion.steps = 12;
    auto const drawn = run(r, dtype::f32, nullptr, taesd()); // which is for others
    ASSERT_EQ(drawn.previews.size(), 12u);
    ASSERT_EQ(drawn.previews.back().width, 16);
    double const figure = psnr(drawn.previews.back(), shrunk(drawn.made, 8));
    std::printf("preview: %.1f dB\n", figure);
    EXPECT_GT(figure, 15);
}

// Also while the picture is enlarged.
TEST(shipped_drawing, is_cancelled_at_its_end) {
    shelf models;
    std::atomic<bool> cancelled = false;
    std::string last;
    job const watched{.report = [&](progress const& p) { last = p.text(); }};
    ASSERT_EQ(results(test_device(), models, drawing(512, 512), nullptr, watched).size(), 1u);
    job const j{.report = [&](progress const& p) { cancelled = cancelled || p.text() == last; },
                .cancelled = &cancelled};
    EXPECT_TRUE(results(test_device(), models, drawing(512, 512), nullptr, j).empty()) << last;
}

} // namespace
} // namespace sfumato
