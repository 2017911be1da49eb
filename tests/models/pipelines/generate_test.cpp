// Runs from a request: the same pixels each time, prompts, noise and pictures as asked, cancelled when asked.
#include "models/eval/networks.h"
#include "models/eval/pipeline.h"
#include "models/files/safetensors_write.h"
#include "models/library/joined.h"
#include "models/library/procedural.h"
#include "models/pipelines/diffusion/latent_preview.h"
#include "models/sampling/noise.h"
#include "models/text/prompt.h"
#include "tests/models/pipelines/cancel.h"
#include "tests/models/pipelines/generate_cases.h"
#include "tests/scratch_folder.h"

#include <set>

namespace sfumato {
namespace {

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
    shelf models;
    auto const both = results(test_device(), models, r);
    ASSERT_EQ(both.size(), 2u);
    EXPECT_EQ(both[1].recipe.seed, r.seed + 1);
    EXPECT_EQ(both[1].recipe.diffusion.batch, 1);
    EXPECT_EQ(both[1].made.pixels, run(models, both[1].recipe).made.pixels);
}

// What is finished is not lost with what is not.
TEST(generate, pictures_of_a_batch_come_one_by_one) {
    request r = small_request();
    r.diffusion.batch = 3;
    std::atomic<bool> cancelled = false;
    shelf models;
    int taken = 0;
    auto const take = [&](generated const&) { cancelled = ++taken == 2; };
    EXPECT_FALSE(generate(test_device(), models, r, nullptr, {.cancelled = &cancelled}, take));
    EXPECT_EQ(taken, 2);
}

// Of a side that a recipe may name there are tiles.
TEST(generate, the_smallest_tile_covers_a_picture) {
    request r = small_request();
    r.diffusion.steps = 1;
    picture const whole = run(r).made;
    r.diffusion.decode_tile = 64;
    EXPECT_GT(psnr(run(r).made, whole), 20);
}

TEST(generate, img2img_keeps_size_and_transparency) {
    request r = small_request();
    r.operation = operation::img2img;
    r.diffusion.strength = 0.4;
    picture const from = sketch();
    auto const made = run(r, dtype::f32, &from).made;
    ASSERT_EQ(made.width, from.width);
    ASSERT_EQ(made.height, from.height);
    for (std::size_t i = 3; i < from.pixels.size(); i += 4) ASSERT_EQ(made.pixels[i], from.pixels[i]);
}

// ---- Inpainting models: as diffusers runs them, with all of the picture masked.

case_tensor ids_of(std::string const& prompt, clip_config const& text) {
    auto const chunks = make_chunks(prompt, {.size = text.vocabulary, .pad = text.pad});
    return {{1, 77}, {chunks.ids[0].begin(), chunks.ids[0].end()}};
}

TEST(generate, an_inpainting_model_makes_all_of_the_picture_anew) {
    request r = small_request();
    r.diffusion = {.model = "procedural:sd1-inpaint-tiny",
                   .prompt = "a red fox",
                   .negative_prompt = "blur",
                   .width = 128,
                   .height = 128,
                   .steps = 5,
                   .cfg = 7.5,
                   .sampler = sampler::euler,
                   .scheduler = scheduler::leading,
                   .strength = 0.5,
                   .strength_rule = strength_rule::fewer_steps};
    network_case c = read_case(GOLDEN "/pipelines/sd1-inpaint-9ch.safetensors");
    diffusion_model const model({.source = r.diffusion.model});
    shape const cells{.h = 16, .w = 16, .c = 4};
    noise_source source(generator::cpu, std::uint64_t(r.seed));
    case_tensor const noise{{1, 4, 16, 16}, channels_first(latent_noise(std::span(&source, 1), cells), cells)},
        mean{{1, 4, 16, 16}, std::vector<float>(cells.count())};
    c.tensors["in.ids.clip"] = ids_of(r.diffusion.prompt, model.texts().front());
    c.tensors["in.ids_negative.clip"] = ids_of(r.diffusion.negative_prompt, model.texts().front());
    std::ranges::fill(c.tensors["in.mask"].values, 1.0f);
    c.tensors["in.random.0.prepare_latents"] = noise;
    c.tensors["in.random.1.sample"] = mean;
    auto const wanted = eval_pipeline(test_device(), r.diffusion.model, c, dtype::f32);
    auto const as_picture = [&](case_tensor const& t) {
        picture p(128, 128);
        for (std::size_t i = 0; i < p.pixels.size(); ++i)
            p.pixels[i] = i % 4 == 3 ? 1 : t.values[i % 4 * 128 * 128 + i / 4];
        return p;
    };
    EXPECT_GT(psnr(run(r).made, as_picture(wanted.at("out.image"))), 90);

    picture const from = as_picture(c.tensors["in.image"]);
    r.operation = operation::img2img;
    c.metadata["strength"] = "0.5";
    std::erase_if(c.tensors, [](auto const& t) { return t.first.starts_with("in.random."); });
    c.tensors["in.random.0.sample"] = c.tensors["in.random.2.sample"] = mean;
    c.tensors["in.random.1.prepare_latents"] = noise;
    auto const half = eval_pipeline(test_device(), r.diffusion.model, c, dtype::f32);
    EXPECT_GT(psnr(run(r, dtype::f32, &from).made, as_picture(half.at("out.image"))), 90);
    EXPECT_LT(psnr(as_picture(half.at("out.image")), as_picture(wanted.at("out.image"))), 40);
}

// ---- Noise

// The first noise is torch's on the CPU; those of the steps are, as in ComfyUI, a new generator's on the GPU, or the
// same one's going on where it is on the GPU from the beginning, as in A1111.
TEST(generate, later_noise_is_drawn_as_other_programs_do) {
    request r = small_request();
    r.diffusion = {.model = "procedural:sd1-tiny",
                   .prompt = "a red fox",
                   .negative_prompt = "blur",
                   .width = 128,
                   .height = 128,
                   .steps = 4,
                   .sampler = sampler::euler_a,
                   .scheduler = scheduler::leading};
    network_case c = read_case(GOLDEN "/pipelines/sd1-txt2img.safetensors");
    diffusion_model const model({.source = r.diffusion.model});
    shape const cells{.h = 16, .w = 16, .c = 4};
    c.metadata["scheduler"] = "EulerAncestralDiscreteScheduler";
    c.metadata["scheduler_config"] =
        R"({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "timestep_spacing": "leading", "steps_offset": 1})";
    c.metadata["steps"] = "4", c.metadata["guidance_scale"] = "7";
    c.metadata["width"] = c.metadata["height"] = "128";
    c.tensors["in.ids.clip"] = ids_of(r.diffusion.prompt, model.texts().front());
    c.tensors["in.ids_negative.clip"] = ids_of(r.diffusion.negative_prompt, model.texts().front());
    for (generator g : {generator::cpu, generator::cuda}) {
        r.diffusion.rng = g;
        noise_source first(g, std::uint64_t(r.seed)), fresh(generator::cuda, std::uint64_t(r.seed));
        auto const draw = [&](noise_source& s) {
            return case_tensor{{1, 4, 16, 16}, channels_first(latent_noise(std::span(&s, 1), cells), cells)};
        };
        std::erase_if(c.tensors, [](auto const& t) { return t.first.starts_with("in.random."); });
        c.tensors["in.noise"] = draw(first);
        for (int i : {2, 9, 10})
            c.tensors[std::format("in.random.{}.step", i)] = draw(g == generator::cpu ? fresh : first);
        auto const wanted = eval_pipeline(test_device(), r.diffusion.model, c, dtype::f32).at("out.image");
        picture p(128, 128);
        for (std::size_t i = 0; i < p.pixels.size(); ++i)
            p.pixels[i] = i % 4 == 3 ? 1 : wanted.values[i % 4 * 128 * 128 + i / 4];
        EXPECT_GT(psnr(run(r).made, p), 90);
    }
    c.tensors.erase("in.random.9.step");
    EXPECT_THROW(eval_pipeline(test_device(), r.diffusion.model, c, dtype::f32), error);
}

// ---- Prompts

// A long prompt beside a short negative one: the picture does not change when either is repeated as a whole.
TEST(generate, prompts_of_unequal_length_see_just_themselves) {
    request r = small_request();
    r.diffusion.width = r.diffusion.height = 64;
    r.diffusion.prompt = "a red fox BREAK in the snow";
    picture const unequal = run(r).made;
    r.diffusion.negative_prompt = "blur BREAK blur";
    EXPECT_EQ(run(r).made.pixels, unequal.pixels);
    r.diffusion.prompt += " BREAK a red fox BREAK in the snow";
    EXPECT_GT(psnr(run(r).made, unequal), 90);
    r.diffusion.negative_prompt = "blur BREAK fog";
    EXPECT_LT(psnr(run(r).made, unequal), 60);
}

// The N-th layer from the end, whatever the family's own is.
TEST(generate, clip_skip_counts_from_the_end) {
    for (auto const& [model, own] : {std::pair{"procedural:sd1-tiny", 1}, {"procedural:sd2-tiny", 2}}) {
        request r = small_request();
        r.diffusion.width = r.diffusion.height = 64;
        r.diffusion.model = model;
        picture const unset = run(r).made;
        for (int n : {1, 2}) {
            r.diffusion.clip_skip = n;
            EXPECT_EQ(run(r).made.pixels == unset.pixels, n == own) << model << ", " << n;
        }
    }
}

TEST(generate, warns_of_what_the_prompt_has_and_is_not_done) {
    request r = small_request();
    r.diffusion.width = r.diffusion.height = 64;
    picture const plain = run(r).made;
    r.diffusion.prompt += "<lora:x:1>";
    r.diffusion.negative_prompt = "[blur|noise]";
    std::vector<std::string> warnings;
    shelf models;
    auto const made = results(test_device(), models, r, nullptr, {},
                              {.warned = [&](std::string const& text) { warnings.push_back(text); }});
    EXPECT_EQ(made.at(0).made.pixels, plain.pixels);
    ASSERT_EQ(warnings.size(), 2u);
    EXPECT_TRUE(warnings[0].starts_with("no LoRA is called \"x\"")) << warnings[0];
    EXPECT_TRUE(warnings[1].starts_with("\"[blur|noise]\" in the prompt")) << warnings[1];
}

// ---- A VAE of its own

// The tensors of a procedural model whose names begin with `prefix`, but not with `without`, as a file.
std::string put_part(scratch_folder const& folder, std::string const& model, std::string_view prefix,
                     std::string_view without) {
    checkpoint all = procedural_checkpoint(model);
    std::erase_if(all.tensors, [&](auto const& t) {
        return !t.first.starts_with(prefix) || (!without.empty() && t.first.starts_with(without));
    });
    std::string const path = folder / (model + std::string(prefix) + "-" + std::string(without) + ".safetensors");
    write_safetensors(path, all.tensors, all.metadata);
    return path;
}

TEST(generate, the_vae_may_come_from_another_file) {
    scratch_folder const folder;
    std::string const bare = put_part(folder, "sd1-tiny", "", "first_stage_model."),
                      vae = put_part(folder, "sd1-tiny", "first_stage_model.", ""),
                      decoder = put_part(folder, "sd1-tiny", "first_stage_model.", "first_stage_model.encoder.");
    request own = small_request(), without = own, other = own, half = own;
    without.diffusion.model = bare;
    without.diffusion.vae = vae;
    other.diffusion.vae = "procedural:sd2-tiny";
    half.diffusion.vae = decoder;
    picture const wanted = run(own).made;
    EXPECT_EQ(run(without).made.pixels, wanted.pixels);
    EXPECT_EQ(run(half).made.pixels, wanted.pixels);
    EXPECT_LT(psnr(run(other).made, wanted), 40);
}

TEST(generate, is_cancelled_in_every_stage) {
    std::vector<std::string> stages;
    shelf models;
    job const all{.report = [&](progress const& p) {
        if (stages.empty() || stages.back() != p.text()) stages.push_back(p.text());
    }};
    ASSERT_EQ(results(test_device(), models, small_request(), nullptr, all).size(), 1u);
    ASSERT_GE(stages.size(), 5u);
    for (std::string const& stage : std::set<std::string>(stages.begin(), stages.end())) {
        std::atomic<bool> cancelled = false;
        shelf fresh;
        job const j{.report = [&](progress const& p) { cancelled = cancelled || p.text() == stage; },
                    .cancelled = &cancelled};
        EXPECT_TRUE(results(test_device(), fresh, small_request(), nullptr, j).empty()) << stage;
    }
}

TEST(generate, every_stage_ends_within_a_second) {
    diffusion_model model({.source = "procedural:sd1-tiny"});
    expect_to_end_within_a_second(model, "", 64, dtype::f32); // its text encoder takes no time
}

TEST(generate, previews_come_with_each_step) {
    for (auto const& decoder : {std::shared_ptr<checkpoint const>(), taesd()}) {
        auto const previews = run(small_request(), dtype::f32, nullptr, decoder).previews;
        ASSERT_EQ(previews.size(), 3u);
        for (picture const& p : previews) {
            EXPECT_EQ(p.width, decoder ? 128 : 16);
            EXPECT_EQ(p.height, decoder ? 96 : 12);
            EXPECT_TRUE(std::ranges::all_of(p.pixels, [](float v) { return v >= 0 && v <= 1; }));
        }
        EXPECT_NE(previews[1].pixels, previews[2].pixels);
    }
    EXPECT_EQ(run(small_request(), dtype::f32, nullptr, taesd()).made.pixels, run(small_request()).made.pixels);
}

TEST(preview_decoder, equals_the_reference) {
    network_case const c = read_case(GOLDEN "/cases/taesd.taesd-tiny.a.safetensors");
    case_tensor const &from = c.at("in.latent", {1, 4, 6, 5}), &wanted = c.at("out.decoded", {1, 3, 48, 40});
    preview_decoder decoder(test_device(), taesd(), 6, 5, dtype::f32);
    for (int again = 0; again < 2; ++again) {
        auto const made = decoder.decode({6, 5, 4, channels_last(from.values, {.h = 6, .w = 5, .c = 4})}, {});
        ASSERT_TRUE(made);
        for (std::size_t i = 0; i < wanted.values.size(); ++i)
            ASSERT_NEAR(made->pixels[i % (48 * 40) * 4 + i / (48 * 40)],
                        std::clamp(0.5f * wanted.values[i] + 0.5f, 0.0f, 1.0f), 1e-5);
    }
}

TEST(generate, says_what_is_wrong) {
    scratch_folder const folder;
    std::string const bare = put_part(folder, "sd1-tiny", "", "first_stage_model."),
                      decoder = put_part(folder, "sd1-tiny", "first_stage_model.", "first_stage_model.encoder.");
    checkpoint pix2pix = procedural_checkpoint("sd1-tiny");
    std::string const first = "model.diffusion_model.input_blocks.0.0.weight", eight = folder / "eight.safetensors";
    pix2pix.tensors[first].shape[1] = 8;
    pix2pix.tensors[first].make = [](std::span<std::byte>) {};
    write_safetensors(eight, pix2pix.tensors, pix2pix.metadata);
    picture const from = sketch(), tiny(64, 56);
    struct {
        std::string says;
        std::function<void(request&)> change;
        picture const* from = nullptr;
        std::string preview = "";
    } const cases[] = {
        {"/nowhere.safetensors", [](request& r) { r.diffusion.model = "/nowhere.safetensors"; }},
        {"holds no UNet", [](request& r) { r.diffusion.model = "procedural:taesd-tiny"; }},
        {"names no model", [](request& r) { r.diffusion.model = ""; }},
        {"which has no VAE", [&](request& r) { r.diffusion.model = bare; }},
        {"holds no VAE, but this: TAESD", [](request& r) { r.diffusion.vae = "procedural:taesd-tiny"; }},
        {"is of Stable Diffusion 3", [](request& r) { r.diffusion.vae = "procedural:sd3-tiny"; }},
        {"(Stable Diffusion 1.x pix2pix) cannot be used: not supported yet: it changes a picture as a sentence "
         "commands",
         [&](request& r) { r.diffusion.model = eight; }},
        {"has no encoder", [&](request& r) { r.diffusion.vae = decoder; }, &from},
        {"has no encoder",
         [&](request& r) { r.diffusion.model = "procedural:sd1-inpaint-tiny", r.diffusion.vae = decoder; }},
        {"smaller than 64 × 64", [](request&) {}, &tiny},
        {"Strength 0.01 leaves none",
         [](request& r) { r.diffusion.strength = 0.01, r.diffusion.strength_rule = strength_rule::fewer_steps; },
         &from},
        {"holds no decoder of TAESD", [](request&) {}, nullptr, "procedural:sd1-tiny"},
        {"latents of 16 channels, not 4", [](request&) {}, nullptr, "procedural:taesd3-tiny"},
    };
    for (auto const& c : cases) {
        request r = small_request();
        if (c.from) r.operation = operation::img2img;
        c.change(r);
        generate_watch watch{.preview = [](picture const&) {}};
        if (!c.preview.empty()) watch.preview_decoder = std::make_shared<checkpoint const>(open_taesd(c.preview));
        shelf models;
        int reports = 0;
        job const j{.report = [&](progress const&) { ++reports; }};
        try {
            results(test_device(), models, r, c.from, j, watch);
            ADD_FAILURE() << c.says;
        } catch (error const& e) {
            EXPECT_NE(std::string(e.what()).find(c.says), std::string::npos) << e.what();
            EXPECT_EQ(reports, 0) << c.says; // before any work
        }
    }
}

} // namespace
} // namespace sfumato
