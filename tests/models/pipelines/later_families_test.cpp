// Stable Diffusion XL and 3 from a request: their text encoders, what they are told of a picture beside the prompt,
// flow matching, and files of their parts.
#include "models/eval/pipeline.h"
#include "models/files/safetensors_write.h"
#include "models/library/procedural.h"
#include "models/pipelines/diffusion/denoise.h"
#include "models/sampling/noise.h"
#include "models/text/prompt.h"
#include "tests/models/pipelines/generate_cases.h"
#include "tests/scratch_folder.h"

#include <functional>

namespace sfumato {
namespace {

request third_request() {
    request r{.operation = operation::txt2img, .seed = 3};
    r.diffusion = {.model = "procedural:sd3-tiny",
                   .prompt = "a (red:1.3) fox",
                   .negative_prompt = "blur",
                   .width = 128,
                   .height = 96,
                   .steps = 3,
                   .cfg = 4.5,
                   .sampler = sampler::euler,
                   .dtype = dtype::f32};
    return r;
}

request xl_request() {
    request r = small_request();
    r.diffusion.model = "procedural:sdxl-tiny";
    r.diffusion.sampler = sampler::euler;
    return r;
}

// The tensors of a procedural model that `keep` wants, as a file that says what the model's says.
std::string put(scratch_folder const& folder, std::string const& name,
                std::function<bool(std::string_view)> const& keep, std::string const& model = "sd3-tiny") {
    checkpoint all = procedural_checkpoint(model);
    std::erase_if(all.tensors, [&](auto const& t) { return !keep(t.first); });
    write_safetensors(folder / name, all.tensors, all.metadata);
    return folder / name;
}

// As diffusers' pipeline runs it: the noise and the tokens of the request, its schedule.
TEST(third_generation, is_the_references_run) {
    request r = third_request();
    r.diffusion.prompt = "a red fox"; // diffusers weighs nothing
    r.diffusion.height = 128;
    r.diffusion.steps = 5;
    network_case c = read_case(GOLDEN "/pipelines/sd3-txt2img.safetensors");
    auto const put_ids = [&](std::string const& name, auto const& ids) {
        c.tensors[name] = {{1, std::int64_t(ids.size())}, {ids.begin(), ids.end()}};
    };
    for (auto const& [start, prompt] :
         {std::pair{"in.ids.", r.diffusion.prompt}, {"in.ids_negative.", r.diffusion.negative_prompt}}) {
        put_ids(start + std::string("clip"), make_chunks(prompt, {.size = 1000, .pad = 999}).ids[0]);
        put_ids(start + std::string("clip_g"), make_chunks(prompt, {.size = 1000, .pad = 0}).ids[0]);
        put_ids(start + std::string("t5"), make_t5_prompt(prompt, 1000).ids);
    }
    shape const cells{.h = 16, .w = 16, .c = 16};
    noise_source source(generator::cpu, std::uint64_t(r.seed));
    c.tensors["in.noise"] = {{1, 16, 16, 16}, channels_first(latent_noise(std::span(&source, 1), cells), cells)};
    case_tensor const image = eval_pipeline(test_device(), r.diffusion.model, c, dtype::f32).at("out.image");
    picture wanted(128, 128);
    for (std::size_t i = 0; i < wanted.pixels.size(); ++i)
        wanted.pixels[i] = i % 4 == 3 ? 1 : image.values[i % 4 * 128 * 128 + i / 4];
    EXPECT_GT(psnr(run(r).made, wanted), 60); // ComfyUI's flows, and ours, begin just short of noise alone
}

TEST(third_generation, t5_may_be_missing) {
    scratch_folder const folder;
    request const whole = third_request();
    request without = whole, silent = whole;
    without.diffusion.model = put(folder, "no t5.safetensors", [](auto name) { return !name.starts_with(t5_prefix); });
    picture const a = run(whole).made, b = run(without).made;
    EXPECT_EQ(b.width, 128);
    EXPECT_EQ(b.height, 96);
    EXPECT_LT(psnr(a, b), 40);
    // Its weights count there, too.
    silent.diffusion.prompt = "a red fox";
    EXPECT_LT(psnr(a, run(silent).made), 80);
}

TEST(third_generation, its_parts_are_the_model) {
    scratch_folder const folder;
    request whole = third_request(), parts = whole;
    parts.diffusion.model = put(folder, "mmdit.safetensors", [](auto name) { return name.starts_with(unet_prefix); });
    parts.diffusion.vae = put(folder, "vae.safetensors", [](auto name) { return name.starts_with(vae_prefix); });
    parts.diffusion.text_encoder = put(folder, "t5.safetensors", [](auto name) { return name.starts_with(t5_prefix); });
    parts.diffusion.text_encoder_2 = put(folder, "clips.safetensors", [](auto name) {
        return name.starts_with(sd3_clip_l_prefix) || name.starts_with(sd3_clip_g_prefix);
    });
    EXPECT_EQ(run(parts).made.pixels, run(whole).made.pixels);
    parts.diffusion.text_encoder_2.clear();
    EXPECT_THROW(run(parts), error);
}

TEST(third_generation, patches_are_whole) {
    request r = third_request();
    r.diffusion.width = 136;
    EXPECT_THROW(run(r), error);
    r.diffusion.width = 1024; // more than 24 patches
    EXPECT_THROW(run(r), error);

    r = third_request();
    r.operation = operation::img2img;
    r.diffusion.strength = 0.5;
    picture const from = sketch();
    auto const made = run(r, dtype::f32, &from).made;
    EXPECT_EQ(made.width, from.width);
    EXPECT_EQ(made.height, from.height);
}

// The model may come as ComfyUI has it, CLIP-L and bigG each a file.
TEST(xl, its_parts_are_the_model) {
    scratch_folder const folder;
    auto const part = [&](std::string const& name, std::string const& prefix) {
        return put(folder, name, [&](auto n) { return n.starts_with(prefix); }, "sdxl-tiny");
    };
    request whole = xl_request(), parts = whole;
    parts.diffusion.model = part("unet.safetensors", std::string(unet_prefix));
    parts.diffusion.vae = part("vae.safetensors", std::string(vae_prefix));
    parts.diffusion.text_encoder = part("clip_g.safetensors", "conditioner.embedders.1.");
    parts.diffusion.text_encoder_2 = part("clip_l.safetensors", std::string(xl_clip_l_prefix));
    picture const made = run(whole).made;
    EXPECT_EQ(run(parts).made.pixels, made.pixels);
    whole.diffusion.prompt = "a blue cow";
    EXPECT_LT(psnr(run(whole).made, made), 50);
    parts.diffusion.text_encoder.clear();
    EXPECT_THROW(run(parts), error);
}

// It is told how large the picture is.
TEST(xl, sizes_are_those_of_the_picture) {
    unet_config const xl{.context_dim = 96, .adm_in_channels = 64 + 6 * 256};
    EXPECT_EQ(sizes_told(xl, {128, 96}), (std::vector<float>{96, 128, 0, 0, 96, 128}));
    EXPECT_TRUE(sizes_told(unet_config(), {128, 96}).empty());
    EXPECT_TRUE(sizes_told(mmdit_config(), {128, 96}).empty());
}

// Its VAE makes numbers that fp16 cannot hold. Where someone asks for fp16, it is taken at their word.
TEST(xl, the_vae_is_wide) {
    auto const precision_of = [](std::optional<dtype> type) {
        request r = xl_request();
        r.diffusion.dtype = type;
        shelf models;
        return results(test_device(), models, r).at(0).recipe.diffusion.decode_precision;
    };
    dtype const own = test_device().target().storage();
    EXPECT_EQ(precision_of({}), own == dtype::f16 ? dtype::f32 : own);
    EXPECT_EQ(precision_of(dtype::f16), dtype::f16);
}

} // namespace
} // namespace sfumato
