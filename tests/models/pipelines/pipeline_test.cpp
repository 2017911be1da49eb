// Whole runs of tiny models on given random numbers: equal to the reference, whatever form the model's file has.
#include "models/eval/pipeline.h"
#include "models/library/procedural.h"
#include "tests/kernels/kernel_test.h"
#include "tests/models/files/diffusers_layout.h"
#include "tests/models/files/torch_file.h"

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
    double half_limit; // of fp16 storage: README has what is allowed
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
    // 0, 6 and 9 are run on every path (meson.build).
    testing::Values(golden{"sd1-txt2img", "sd1-tiny", 2e-4}, golden{"sd1-txt2img-dpmpp2m-karras", "sd1-tiny", 2e-4},
                    golden{"sd1-img2img", "sd1-tiny", 2e-4}, golden{"sd1-inpaint-4ch", "sd1-tiny", 2e-4},
                    golden{"sd1-inpaint-9ch", "sd1-inpaint-tiny", 2e-4}, golden{"sd2-txt2img-v", "sd2-tiny", 3e-2},
                    golden{"sdxl-txt2img", "sdxl-tiny", 2e-4}, golden{"sdxl-img2img", "sdxl-tiny", 2e-4},
                    golden{"sdxl-inpaint-4ch", "sdxl-tiny", 2e-4}, golden{"sd3-txt2img", "sd3-tiny", 2e-4},
                    golden{"sd3-img2img", "sd3-tiny", 2e-4}, golden{"sd3-inpaint-4ch", "sd3-tiny", 2e-4}));

// A model is the same in every form that its file may have. (A .ckpt says nothing of itself, and the number of heads of
// so small a text encoder cannot be read from shapes: its twin is a file without metadata.)
TEST(pipeline, any_layout_gives_the_same_pixels) {
    scratch_folder const folder;
    checkpoint const model = procedural_checkpoint("sd1-inpaint-tiny");
    write_safetensors(folder / "single.safetensors", model.tensors, model.metadata);
    write_safetensors(folder / "bare.safetensors", model.tensors, {});
    write_diffusers_folder(folder, "sd1-inpaint-tiny");
    folder.put("single.ckpt", torch_checkpoint_file(model));
    network_case const c = read_case(GOLDEN "/pipelines/sd1-inpaint-9ch.safetensors");
    auto const pixels = [&](std::string const& path) {
        return eval_pipeline(test_device(), path, c, dtype::f16).at("out.image").values;
    };
    auto const wanted = pixels("procedural:sd1-inpaint-tiny");
    EXPECT_TRUE(pixels(folder / "single.safetensors") == wanted);
    EXPECT_TRUE(pixels(folder.path) == wanted);
    EXPECT_TRUE(pixels(folder / "single.ckpt") == pixels(folder / "bare.safetensors"));
}

// Of the MMDiT three tensors are one, and some halves change places; text encoders have places of their own.
TEST(pipeline, later_families_in_diffusers_layout) {
    for (std::string const family : {"sdxl", "sd3"}) {
        scratch_folder const folder;
        write_diffusers_folder(folder, family + "-tiny");
        network_case const c = read_case(std::format(GOLDEN "/pipelines/{}-txt2img.safetensors", family));
        auto const pixels = [&](std::string const& path) {
            return eval_pipeline(test_device(), path, c, dtype::f16).at("out.image").values;
        };
        EXPECT_TRUE(pixels(folder.path) == pixels("procedural:" + family + "-tiny")) << family;
    }
}

} // namespace
} // namespace sfumato
