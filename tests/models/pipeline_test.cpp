// Whole runs of tiny models: equal to the reference, the same whatever the memory, and cancelled when asked.
#include "models/eval/pipeline.h"
#include "models/pipelines/generate.h"
#include "models/weights/procedural.h"
#include "tests/kernels/kernel_test.h"
#include "tests/models/weights/diffusers_layout.h"
#include "tests/models/weights/torch_file.h"

#include <cstdlib>
#include <format>

namespace sfumato {
namespace {

double nmse_of_variance(std::vector<float> const& got, std::vector<float> const& wanted) {
    double mean = 0, variance = 0, error = 0;
    for (float v : wanted) mean += v / double(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        variance += (wanted[i] - mean) * (wanted[i] - mean);
        error += (double(got[i]) - wanted[i]) * (double(got[i]) - wanted[i]);
    }
    return got.size() == wanted.size() ? error / variance : std::nan("");
}

struct golden {
    char const *name, *model;
    double half_limit; // of fp16 storage: tests/golden/README.md
};

struct pipeline_parity : testing::TestWithParam<golden> {};

TEST_P(pipeline_parity, equals_the_reference) {
    auto const [name, model, half_limit] = GetParam();
    network_case const c = read_case(std::format(GOLDEN "/pipelines/{}.safetensors", name));
    for (dtype type : {dtype::f32, dtype::f16}) {
        case_tensors const made = eval_pipeline(test_device(), std::string("procedural:") + model, c, type);
        double const limit = type == dtype::f16 ? half_limit : 1e-7;
        double worst = 0;
        int compared = 0;
        for (auto const& [tensor, wanted] : c.tensors) {
            if (!tensor.starts_with("out.") && !tensor.starts_with("tap.")) continue;
            ASSERT_TRUE(made.contains(tensor)) << tensor;
            double const error = nmse_of_variance(made.at(tensor).values, wanted.values);
            EXPECT_LE(error, limit) << name << " " << tensor << " in type " << int(type);
            worst = std::max(worst, error);
            ++compared;
        }
        EXPECT_GE(compared, 8);
        std::printf("parity: %-28s %s %.1e\n", name, type == dtype::f16 ? "fp16" : "fp32", worst);
    }
}

INSTANTIATE_TEST_SUITE_P(
    cases, pipeline_parity,
    testing::Values(golden{"sd1-txt2img", "sd1-tiny", 2e-4}, golden{"sd1-txt2img-dpmpp2m-karras", "sd1-tiny", 2e-4},
                    golden{"sd1-img2img", "sd1-tiny", 2e-4}, golden{"sd1-inpaint-4ch", "sd1-tiny", 2e-4},
                    golden{"sd1-inpaint-9ch", "sd1-inpaint-tiny", 2e-4}, golden{"sd2-txt2img-v", "sd2-tiny", 3e-2}));

// A model is the same in every form that its file may have. (A .ckpt says nothing of itself, and the number of heads of
// so small a text encoder cannot be read from shapes: its twin is a file without metadata.)
TEST(pipeline, any_layout_gives_the_same_pixels) {
    scratch_folder const folder;
    checkpoint const model = procedural_checkpoint("sd1-inpaint-tiny");
    write_safetensors(folder / "single.safetensors", model.tensors, model.metadata);
    write_safetensors(folder / "bare.safetensors", model.tensors, {});
    write_diffusers_folder(folder, "sd1-inpaint-tiny");
    folder.put("single.ckpt", torch_checkpoint(model));
    network_case const c = read_case(GOLDEN "/pipelines/sd1-inpaint-9ch.safetensors");
    auto const pixels = [&](std::string const& path) {
        return eval_pipeline(test_device(), path, c, dtype::f16).at("out.image").values;
    };
    auto const wanted = pixels("procedural:sd1-inpaint-tiny");
    EXPECT_TRUE(pixels(folder / "single.safetensors") == wanted);
    EXPECT_TRUE(pixels(folder.path) == wanted);
    EXPECT_TRUE(pixels(folder / "single.ckpt") == pixels(folder / "bare.safetensors"));
}

// ---- Runs from a request

request small_request() {
    request r{.operation = operation::txt2img, .seed = 7};
    r.diffusion = {.model = "procedural:sd1-tiny",
                   .prompt = "a (red:1.3) fox",
                   .negative_prompt = "blur",
                   .width = 128,
                   .height = 96,
                   .steps = 3,
                   .sampler = sampler::euler_a};
    return r;
}

struct run_result {
    picture made;
    memory_plan plan;
};

run_result run(request const& r, dtype type = dtype::f32, picture const* from = nullptr) {
    run_result result;
    open_models models;
    generate_watch watch{.planned = [&](memory_plan const& p) { result.plan = p; }, .preview = {}};
    auto made = generate(test_device(), models, r, from, type, {}, watch);
    EXPECT_TRUE(made && made->size() == std::size_t(r.diffusion.batch));
    result.made = std::move(made->front());
    return result;
}

double psnr(picture const& a, picture const& b) {
    double error = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) error += std::pow(double(a.pixels[i]) - b.pixels[i], 2);
    return a.pixels.size() == b.pixels.size() ? -10 * std::log10(error / double(a.pixels.size()) + 1e-20) : 0;
}

TEST(generate, the_same_request_gives_the_same_pixels) {
    auto const first = run(small_request()), second = run(small_request());
    EXPECT_EQ(first.made.width, 128);
    EXPECT_EQ(first.made.height, 96);
    EXPECT_EQ(first.made.pixels, second.made.pixels);
    request other = small_request();
    other.seed = 8;
    EXPECT_LT(psnr(first.made, run(other).made), 40);
}

// A warm model, and a batch's second picture, are no other picture.
TEST(generate, a_batch_is_its_pictures_alone) {
    request r = small_request();
    r.diffusion.batch = 2;
    open_models models;
    auto const both = generate(test_device(), models, r, nullptr, dtype::f32, {});
    ASSERT_TRUE(both);
    r.diffusion.batch = 1;
    r.seed += 1;
    auto const again = generate(test_device(), models, r, nullptr, dtype::f32, {});
    ASSERT_TRUE(again);
    EXPECT_EQ((*both)[1].pixels, again->front().pixels);
}

// What a smaller card gets is the same picture, each way of saving memory in its turn.
TEST(generate, the_picture_does_not_depend_on_the_memory) {
    request r = small_request();
    r.diffusion.width = 640, r.diffusion.height = 64; // longer than a tile
    r.diffusion.steps = 1;
    auto const whole = run(r);
    EXPECT_TRUE(whole.plan.choice.keep_weights && !whole.plan.choice.vae.tile);
    memory_choice last = whole.plan.choice;
    std::uint64_t budget = whole.plan.needed;
    int plans = 0, tiled = 0, sequential = 0, streamed = 0;
    while (true) {
        setenv("SFUMATO_BUDGET", std::to_string(budget - 1).c_str(), 1);
        try {
            test_device().memory_peak(true);
            auto const less = run(r);
            EXPECT_NE(less.plan.choice, last);
            EXPECT_LE(test_device().memory_peak(), budget) << less.plan.text();
            EXPECT_GT(psnr(less.made, whole.made), less.plan.choice.vae.tile ? 20 : 90) << less.plan.text();
            last = less.plan.choice;
            budget = less.plan.needed;
            tiled += last.vae.tile > 0, sequential += !last.guidance_in_one_batch,
                streamed += last.unet_weights == residence::host;
            ++plans;
        } catch (error const& e) {
            EXPECT_NE(std::string(e.what()).find("GPU memory at least"), std::string::npos) << e.what();
            break;
        }
    }
    unsetenv("SFUMATO_BUDGET");
    EXPECT_GE(plans, 3);
    EXPECT_TRUE(tiled && sequential && streamed) << plans;
}

TEST(generate, memory_is_used_as_planned) {
    for (auto type : {dtype::f32, dtype::f16}) {
        std::uint64_t const before = test_device().memory_used();
        test_device().memory_peak(true);
        auto const made = run(small_request(), type);
        std::uint64_t const measured = test_device().memory_peak() - before;
        EXPECT_NEAR(double(measured), double(made.plan.needed), 0.01 * double(made.plan.needed)) << made.plan.text();
    }
}

TEST(generate, img2img_keeps_size_and_transparency) {
    request r = small_request();
    r.operation = operation::img2img;
    r.diffusion.strength = 0.4;
    picture from(77, 90);
    for (std::size_t i = 0; i < from.pixels.size(); ++i)
        from.pixels[i] = i % 4 == 3 ? float(i % 5) / 4 : float(i % 97) / 97;
    auto const made = run(r, dtype::f32, &from).made;
    ASSERT_EQ(made.width, 77);
    ASSERT_EQ(made.height, 90);
    for (std::size_t i = 3; i < from.pixels.size(); i += 4) ASSERT_EQ(made.pixels[i], from.pixels[i]);
}

TEST(generate, is_cancelled_in_every_stage) {
    std::vector<std::string> stages;
    open_models models;
    job const all{.report = [&](progress const& p) {
        if (stages.empty() || stages.back() != p.stage) stages.push_back(p.stage);
    }};
    ASSERT_TRUE(generate(test_device(), models, small_request(), nullptr, dtype::f32, all));
    ASSERT_GE(stages.size(), 5u);
    for (std::string const& stage : std::set<std::string>(stages.begin(), stages.end())) {
        std::atomic<bool> cancelled = false;
        open_models fresh;
        job const j{.report = [&](progress const& p) { cancelled = cancelled || p.stage == stage; },
                    .cancelled = &cancelled};
        EXPECT_FALSE(generate(test_device(), fresh, small_request(), nullptr, dtype::f32, j)) << stage;
    }
}

TEST(generate, previews_come_with_each_step) {
    open_models models;
    int seen = 0;
    generate_watch watch{.preview = [&](picture const& p) {
        ++seen;
        EXPECT_EQ(p.width, 16);
        EXPECT_EQ(p.height, 12);
    }};
    ASSERT_TRUE(generate(test_device(), models, small_request(), nullptr, dtype::f32, {}, watch));
    EXPECT_EQ(seen, 3);
}

TEST(generate, says_what_is_wrong) {
    open_models models;
    auto const message = [&](auto const& change) -> std::string {
        request r = small_request();
        change(r);
        try {
            generate(test_device(), models, r, nullptr, dtype::f32, {});
            return "";
        } catch (error const& e) {
            return e.what();
        }
    };
    EXPECT_NE(message([](request& r) { r.diffusion.model = "/nowhere.safetensors"; }).find("/nowhere.safetensors"),
              std::string::npos);
    EXPECT_NE(message([](request& r) { r.diffusion.model = "procedural:taesd-tiny"; }), "");
    EXPECT_NE(message([](request& r) { r.diffusion.model = ""; }).find("names no model"), std::string::npos);
}

} // namespace
} // namespace sfumato
