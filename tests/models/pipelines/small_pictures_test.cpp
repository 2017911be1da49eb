// The model that comes with the program and draws: small pictures, enlarged to what is asked for.
#include "models/pipelines/diffusion/small_pictures.h"
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
    EXPECT_EQ(enlargement_for({2048, 2048}, 128), 4);
    EXPECT_EQ(enlargement_for({2048, 2048}, 512), 1);
    EXPECT_EQ(usual_side(128), 512);
    EXPECT_EQ(usual_side(512), 512);
    EXPECT_EQ(usual_side(1024), 1024);
    EXPECT_EQ(usual_side(0), 0);
}

TEST(small_pictures, are_means_when_shrunk) {
    picture p(5, 3);
    for (std::size_t i = 0; i < p.pixels.size(); ++i) p.pixels[i] = float(i / 4);
    picture const made = shrunk(p, 2);
    ASSERT_EQ(made.width, 3);
    ASSERT_EQ(made.height, 2);
    EXPECT_FLOAT_EQ(made.pixels[0], (0 + 1 + 5 + 6) / 4.0f);
    EXPECT_FLOAT_EQ(made.pixels[8], (4 + 4 + 9 + 9) / 4.0f); // the border again
    EXPECT_FLOAT_EQ(made.pixels[4 * 5 + 3], 14);
    EXPECT_EQ(shrunk(p, 1).pixels, p.pixels);
}

TEST(shipped_drawing, makes_pictures_of_any_size) {
    shelf models;
    for (auto const [width, height] : {std::pair(128, 128), std::pair(200, 104), std::pair(512, 384)}) {
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

TEST(shipped_drawing, img2img_keeps_size_and_transparency) {
    request r = drawing(0, 0);
    r.operation = operation::img2img;
    r.diffusion.strength = 0.5;
    picture from(301, 270);
    for (std::size_t i = 0; i < from.pixels.size(); ++i) from.pixels[i] = i % 4 == 3 ? 0.5f : float(i % 97) / 97;
    picture const made = run(r, dtype::f32, &from).made;
    ASSERT_EQ(made.width, 301);
    ASSERT_EQ(made.height, 270);
    for (std::size_t i = 3; i < from.pixels.size(); i += 4) ASSERT_EQ(made.pixels[i], 0.5f);
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
