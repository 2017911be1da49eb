// Runs from a request and memory: the same pixels whatever there is of it, or a recipe that says no; as much as was
// planned.
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "models/library/procedural.h"
#include "models/pipelines/diffusion/diffusion_model.h"
#include "tests/environment_variable.h"
#include "tests/models/pipelines/generate_cases.h"
#include "tests/models/pipelines/less_memory.h"
#include "tests/scratch_folder.h"

#include <cstring>

namespace sfumato {
namespace {

// What a smaller card gets is the same picture, bit for bit, unless the VAE goes over it in tiles.
TEST(generate, the_picture_does_not_depend_on_the_memory) {
    request r = small_request();
    r.diffusion.width = 640, r.diffusion.height = 64; // longer than a tile
    r.diffusion.steps = 1;
    auto const whole = run(r, dtype::f32, nullptr, taesd());
    EXPECT_EQ(whole.previews.at(0).width, 640);
    std::uint64_t needed = whole.plan.needed;
    int projected = 0, tiled = 0, waiting = 0;
    int const plans = run_with_less_and_less_memory(
        needed,
        [&] {
            auto const less = run(r, dtype::f32, nullptr, taesd());
            EXPECT_LE(test_device().memory_peak(), needed) << less.plan.text();
            part_plan const &steps = less.plan.of({role::denoiser}), &decode = less.plan.of({role::vae_decoder});
            if (decode.tiles.tile)
                EXPECT_GT(psnr(less.made, whole.made), 20) << less.plan.text();
            else
                EXPECT_EQ(less.made.pixels, whole.made.pixels) << less.plan.text();
            EXPECT_EQ(less.previews.at(0).width, steps.decoded_previews ? 640 : 80);
            projected += !steps.decoded_previews, tiled += decode.tiles.tile > 0, waiting += steps.waiting_bytes > 0;
            EXPECT_LT(less.plan.needed, needed) << less.plan.text();
            return needed = less.plan.needed;
        },
        0.8); // matrix by matrix there would be hundreds of plans
    EXPECT_GE(plans, 4);
    EXPECT_TRUE(projected && tiled && waiting) << plans;
}

// Where the device allows only small buffers, an arena is several of them.
TEST(generate, the_picture_does_not_depend_on_the_largest_buffer) {
    auto const whole = run(small_request());
    setenv("SFUMATO_LARGEST_BUFFER", "4194304", 1);
    device small;
    unsetenv("SFUMATO_LARGEST_BUFFER");
    shelf models;
    request r = small_request();
    r.diffusion.dtype = dtype::f32;
    std::uint64_t running = 0;
    auto const made = results(small, models, r, nullptr, {},
                              {.planned = [&](memory_plan const& p) { running = p.of({role::vae_decoder}).running; }});
    ASSERT_EQ(made.size(), 1u);
    EXPECT_GT(running, 4194304u) << "one buffer holds all of it";
    EXPECT_EQ(made.at(0).made.pixels, whole.made.pixels);
}

// ---- A recipe makes the same bits again, or says that it cannot

struct with_budget {
    explicit with_budget(std::uint64_t bytes) {
        setenv("SFUMATO_BUDGET", std::to_string(test_device().memory_used() + bytes).c_str(), 1);
    }
    ~with_budget() { unsetenv("SFUMATO_BUDGET"); }
    with_budget(with_budget const&) = delete;
};

// Memory with which the VAE must go over a picture of 512 × 64 in tiles.
std::uint64_t budget_for_tiles(bool encodes) {
    diffusion_model model(
        {.source = small_request().diffusion.model, .parts = {}, .prediction = {}, .precision = dtype::f32});
    std::uint64_t budget = 100'000'000'000;
    while (true) {
        with_budget const b(budget);
        memory_plan const plan =
            plan_memory(test_device(), model, {.height = 8, .width = 64, .encodes_picture = encodes}, {});
        if (plan.of({role::vae_decoder}).tiles.tile) return plan.needed;
        budget = plan.needed / 5 * 4;
    }
}

TEST(generate, a_recipe_determines_the_pixels) {
    picture const from = sketch();
    request text = small_request(), image = small_request();
    text.diffusion.width = 512, text.diffusion.height = 64;
    text.diffusion.steps = image.diffusion.steps = 1;
    image.operation = operation::img2img;
    picture large(510, 64); // 64 cells, as the text's
    for (std::size_t i = 0; i < large.pixels.size(); ++i) large.pixels[i] = float(i * i % 251) / 251;
    for (auto const& [r, picture_from] : {std::pair{text, (picture const*)nullptr}, {image, &large}}) {
        std::uint64_t const tiled = budget_for_tiles(picture_from);
        std::vector<std::uint64_t> const budgets = {tiled, tiled + tiled / 4, 100'000'000'000};
        std::vector<finished_run> first;
        for (std::uint64_t budget : budgets) {
            with_budget const b(budget);
            first.push_back(run(r, dtype::f32, picture_from));
        }
        part_plan const &least = first.front().plan.of({role::vae_decoder}),
                        &most = first.back().plan.of({role::vae_decoder});
        EXPECT_TRUE(least.tiles.tile && !most.tiles.tile) << first.front().plan.text();
        int refused = 0;
        for (finished_run const& made : first)
            for (std::uint64_t budget : budgets) {
                with_budget const b(budget);
                try {
                    auto const again = run(made.recipe, dtype::f32, picture_from);
                    EXPECT_EQ(again.made.pixels, made.made.pixels) << again.plan.text();
                    EXPECT_EQ(again.recipe, made.recipe);
                } catch (error const& e) {
                    ++refused;
                    EXPECT_NE(std::string(e.what()).find("--nearest takes it"), std::string::npos) << e.what();
                    shelf models;
                    auto const nearest =
                        results(test_device(), models, made.recipe, picture_from, {}, {.nearest = true});
                    EXPECT_GT(psnr(nearest.at(0).made, made.made), 20);
                    EXPECT_NE(nearest.at(0).recipe, made.recipe);
                }
            }
        EXPECT_GT(refused, 0);
        EXPECT_LT(refused, 6);
    }
}

// The numbers of its decoder go beyond fp16.
std::string write_with_large_decoder(scratch_folder const& folder) {
    checkpoint large = procedural_checkpoint("sd1-tiny");
    std::string const path = folder / "large.safetensors";
    for (char const* name : {"first_stage_model.decoder.conv_in.weight", "first_stage_model.decoder.conv_in.bias"}) {
        stored_tensor& t = large.tensors.at(name);
        t.make = [small = t](std::span<std::byte> to) {
            small.make(to);
            for (std::size_t i = 0; i < to.size(); i += 2) {
                std::uint16_t bits;
                std::memcpy(&bits, &to[i], 2);
                bits = f16_bits(f16_value(bits) * 60'000);
                std::memcpy(&to[i], &bits, 2);
            }
        };
    }
    write_safetensors(path, large.tensors, large.metadata);
    return path;
}

// The decoder runs again in fp32, which the recipe then says, and no later run is told.
TEST(generate, a_second_try_is_in_the_recipe) {
    scratch_folder const folder;
    request r = small_request();
    r.diffusion.model = write_with_large_decoder(folder);
    r.diffusion.dtype = {};
    r.diffusion.precision = dtype::f16; // as a GPU likes it
    shelf models;
    auto const once = results(test_device(), models, r);
    ASSERT_EQ(once.size(), 1u);
    request const recipe = once[0].recipe;
    EXPECT_EQ(recipe.diffusion.precision, dtype::f16);
    EXPECT_EQ(recipe.diffusion.decode_precision, dtype::f32);
    EXPECT_EQ(results(test_device(), models, recipe).at(0).made.pixels, once[0].made.pixels);
}

// What was asked for cannot be done, but the steps are not lost.
TEST(generate, a_latent_that_cannot_be_decoded_is_kept) {
    scratch_folder const folder;
    environment_variable const cache("XDG_CACHE_HOME", folder / "cache");
    request r = small_request();
    r.diffusion.model = write_with_large_decoder(folder);
    r.diffusion.dtype = {};
    r.diffusion.precision = dtype::f16;
    shelf models;
    picture const wanted = results(test_device(), models, r).at(0).made;
    r.diffusion.decode_precision = dtype::f16;
    std::string const path = folder / "cache/sfumato/sfumato-rescued-1.latent";
    try {
        results(test_device(), models, r);
        FAIL();
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("their latent is kept as " + path), std::string::npos) << e.what();
    }
    checkpoint const kept = open_checkpoint(path);
    stored_tensor const& t = kept.tensors.at("latent_tensor");
    auto& model = models.open<diffusion_model>({r.diffusion.model, {}, {}, {}});
    latent l{int(t.shape[2]), int(t.shape[3]), int(t.shape[1])};
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::size_t const cells = std::size_t(l.height * l.width), channels = std::size_t(l.channels);
    l.values.resize(cells * channels);
    for (std::size_t i = 0; i < l.values.size(); ++i) {
        float v;
        std::memcpy(&v, &bytes[4 * i], 4);
        l.values[i % cells * channels + i / cells] = float(v * model.latents().scale);
    }
    auto made = decode_latent(test_device(), model.weights({role::vae_decoder}), model.vae(), l, {}, dtype::f32, {});
    ASSERT_TRUE(made);
    for (float& v : made->pixels) v = std::clamp(v, 0.0f, 1.0f);
    EXPECT_GT(psnr(*made, wanted), 60);
}

TEST(generate, memory_is_used_as_planned) {
    picture const from = sketch();
    request text = small_request(), batch = small_request(), image = small_request(), inpainting = small_request();
    batch.diffusion.batch = 2;
    image.operation = operation::img2img;
    inpainting.diffusion.model = "procedural:sd1-inpaint-tiny";
    struct {
        request r;
        bool warm = false, previews = false;
    } const cases[] = {{text},        {text, true}, {text, false, true}, {batch, false, true}, {image, true},
                       {image, true}, {image},      {inpainting}};
    std::uint64_t const before = test_device().memory_used();
    for (auto type : {dtype::f32, dtype::f16}) {
        shelf models;
        for (auto const& c : cases) {
            if (!c.warm) models.clear();
            test_device().memory_peak(true);
            auto const plan = run(models, c.r, type, c.r.operation == operation::img2img ? &from : nullptr,
                                  c.previews ? taesd() : nullptr)
                                  .plan;
            std::uint64_t const measured = test_device().memory_peak() - before;
            EXPECT_NEAR(double(measured), double(plan.needed), 0.01 * double(plan.needed))
                << "case " << &c - cases << ": " << plan.text();
        }
    }
}

} // namespace
} // namespace sfumato
