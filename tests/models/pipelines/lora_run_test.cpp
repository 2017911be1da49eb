// Runs with LoRAs: as with a file of merged weights, whatever the memory; undone bit for bit; found, and in the recipe.
#include "compute/half.h"
#include "models/files/prefixes.h"
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "tests/environment_variable.h"
#include "tests/models/pipelines/generate_cases.h"
#include "tests/models/pipelines/less_memory.h"
#include "tests/scratch_folder.h"

#include <cstring>

namespace sfumato {
namespace {

constexpr int rank = 2;
using shape_list = std::vector<std::int64_t>;

std::vector<float> numbers_of(stored_tensor const& t) {
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<float> all(t.count());
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::uint16_t half;
        std::memcpy(&half, &bytes[2 * i], 2);
        all[i] = f16_value(half);
    }
    return all;
}

// How kohya's programs begin the names of modules.
constexpr std::pair<std::string_view, std::string_view> beginnings[] = {
    {unet_prefix, "lora_unet_"},     {clip_prefix, "lora_te_"},        {xl_clip_l_prefix, "lora_te1_"},
    {xl_clip_g_prefix, "lora_te2_"}, {sd3_clip_l_prefix, "lora_te1_"}, {sd3_clip_g_prefix, "lora_te2_"},
    {t5_prefix, "lora_te3_"}};

// A LoRA for each matrix of a tiny model's denoiser and text encoders, and the model with it, at weights of 0.75 and
// 0.25.
struct lora_files {
    scratch_folder folder;
    std::string const lora = folder.path / "ink.safetensors", merged = folder.path / "merged.safetensors";

    explicit lora_files(std::string const& source = "procedural:sd1-tiny") {
        checkpoint const model = open_checkpoint(source);
        std::map<std::string, std::vector<float>> values;
        std::map<std::string, stored_tensor, std::less<>> parts, whole;
        unsigned seed = 1;
        auto const put = [&](std::string const& name, shape_list shape, std::vector<float> v) {
            auto const& kept = values[name] = std::move(v);
            return f32_tensor(std::move(shape), kept);
        };
        for (auto const& [name, tensor] : model.tensors) {
            auto const of = std::ranges::find_if(beginnings, [&](auto const& b) { return name.starts_with(b.first); });
            if (of == std::end(beginnings) || tensor.shape.size() != 2 || name.find("embedding") != name.npos ||
                name.find("shared") != name.npos || name.find("relative") != name.npos) {
                whole[name] = tensor;
                continue;
            }
            auto const& [prefix, beginning] = *of;
            bool const of_text = prefix != unet_prefix;
            std::int64_t const out = tensor.shape[0], in = tensor.shape[1];
            std::string module = name.substr(prefix.size(), name.size() - prefix.size() - 7);
            std::ranges::replace(module, '.', '_');
            module = std::string(beginning) + module;
            auto const up = random_values(std::size_t(out) * rank, -0.2f, 0.2f, ++seed),
                       down = random_values(std::size_t(in) * rank, -0.5f, 0.5f, ++seed);
            auto w = numbers_of(tensor);
            for (std::int64_t o = 0; o < out; ++o)
                for (std::int64_t i = 0; i < in; ++i) {
                    double sum = 0;
                    for (int r = 0; r < rank; ++r) sum += double(up[o * rank + r]) * down[r * in + i];
                    w[o * in + i] = float(w[o * in + i] + (of_text ? 0.25 : 0.75) * sum);
                }
            parts[module + ".lora_up.weight"] = put(module + "up", {out, rank}, up);
            parts[module + ".lora_down.weight"] = put(module + "down", {rank, in}, down);
            whole[name] = put(name, tensor.shape, std::move(w));
        }
        write_safetensors(lora, parts);
        write_safetensors(merged, whole, {{"config", model.metadata.at("config")}});
    }
    request with(std::vector<lora_choice> loras) const {
        request r = small_request();
        r.diffusion.loras = std::move(loras);
        return r;
    }
};

TEST(loras, make_what_merged_weights_make) {
    lora_files const files;
    request whole = small_request();
    whole.diffusion.model = files.merged;
    picture const expected = run(whole).made, made = run(files.with({{files.lora, 0.75, 0.25}})).made;
    EXPECT_GT(psnr(made, expected), 90);
    EXPECT_LT(psnr(made, run(small_request()).made), 40) << "it changes nothing";
}

TEST(loras, of_later_families_make_what_merged_weights_make) {
    for (std::string const model : {"procedural:sdxl-tiny", "procedural:sd3-tiny"}) {
        lora_files const files(model);
        request plain = small_request();
        plain.diffusion.model = model;
        plain.diffusion.sampler = sampler::euler;
        request whole = plain, with = plain;
        whole.diffusion.model = files.merged;
        with.diffusion.loras = {{files.lora, 0.75, 0.25}};
        picture const made = run(with).made;
        EXPECT_GT(psnr(made, run(whole).made), 90) << model;
        EXPECT_LT(psnr(made, run(plain).made), 40) << model << ": it changes nothing";
    }
}

TEST(loras, are_taken_away_bit_for_bit) {
    lora_files const files;
    shelf models;
    picture const own = run(models, small_request()).made;
    picture const with = run(models, files.with({{files.lora, 0.75}})).made;
    EXPECT_NE(with.pixels, own.pixels);
    EXPECT_EQ(run(models, small_request()).made.pixels, own.pixels);
    EXPECT_EQ(run(models, files.with({{files.lora, 0}})).made.pixels, own.pixels);
    EXPECT_NE(run(models, files.with({{files.lora, 0.5}})).made.pixels, with.pixels);
    EXPECT_EQ(run(models, files.with({{files.lora, 0.75}})).made.pixels, with.pixels);
    // Two halves of it are nearly the same.
    EXPECT_GT(psnr(run(models, files.with({{files.lora, 0.5}, {files.lora, 0.25}})).made, with), 90);
}

TEST(loras, do_not_depend_on_the_memory) {
    lora_files const files;
    request const r = files.with({{files.lora, 0.75}});
    auto const whole = run(r);
    std::uint64_t needed = whole.plan.needed;
    int waiting = 0;
    run_with_less_and_less_memory(
        needed,
        [&] {
            auto const less = run(r);
            EXPECT_LE(test_device().memory_peak(), needed) << less.plan.text();
            if (!less.plan.of({role::vae_decoder}).tiles.tile) {
                EXPECT_EQ(less.made.pixels, whole.made.pixels);
            }
            waiting += less.plan.of({role::denoiser}).waiting_bytes > 0;
            return needed = less.plan.needed;
        },
        0.6);
    EXPECT_GT(waiting, 0);
}

TEST(loras, of_the_prompt_are_found_and_stand_in_the_recipe) {
    lora_files const files;
    environment_variable const folder("SFUMATO_MODELS", files.folder.path.string());
    std::vector<std::string> warnings;
    auto const made = [&](request r) {
        shelf models;
        r.diffusion.dtype = dtype::f32;
        warnings.clear();
        return results(test_device(), models, r, nullptr, {},
                       {.warned = [&](std::string const& w) { warnings.push_back(w); }})
            .at(0);
    };
    request r = small_request();
    std::string const prompt = r.diffusion.prompt;
    r.diffusion.prompt += "<lora:ink:0.25:0.75>";
    auto const first = made(r);
    EXPECT_EQ(first.made.pixels, run(files.with({{files.lora, 0.75, 0.25}})).made.pixels);
    EXPECT_TRUE(warnings.empty());
    diffusion_settings const& recipe = first.recipe.diffusion;
    EXPECT_EQ(recipe.prompt, prompt);
    ASSERT_EQ(recipe.loras.size(), 1u);
    EXPECT_EQ(recipe.loras[0].file, files.lora);
    EXPECT_EQ(recipe.loras[0].weight, 0.75);
    EXPECT_EQ(recipe.loras[0].text_weight, 0.25);
    EXPECT_EQ(recipe.loras[0].sha256.size(), 64u);
    EXPECT_EQ(made(first.recipe).made.pixels, first.made.pixels);
    EXPECT_EQ(made(files.with({{"ink", 0.75, 0.25}})).made.pixels, first.made.pixels) << "by its name";

    r.diffusion.prompt = prompt + "<lora:nobody:1>";
    EXPECT_EQ(made(r).made.pixels, run(small_request()).made.pixels);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_EQ(warnings[0], "no LoRA is called \"nobody\"; the picture is made without it");
    EXPECT_THROW(made(files.with({{"nobody"}})), error);
    request changed = first.recipe;
    changed.diffusion.loras[0].sha256[0] ^= 1;
    EXPECT_THROW(made(changed), error);
}

} // namespace
} // namespace sfumato
