// The loop with what a run may begin with: masks and their strength.
#include "models/files/prefixes.h"
#include "models/nets/denoiser.h"
#include "models/pipelines/diffusion/denoise.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

struct tiny_run {
    static constexpr int cells = 8;
    diffusion_model model{{.source = "procedural:sd1-tiny", .parts = {}, .prediction = {}, .precision = dtype::f32}};
    sampling_run run = plan_sampling({.sampler = sampler::euler, .scheduler = scheduler::normal, .steps = 4});
    latent const image{cells, cells, 4, random_values(cells* cells * 4, -1, 1, 1)},
        noise{cells, cells, 4, random_values(cells* cells * 4, -1, 1, 2)};
    conditioning const prompt{77, 32, random_values(77 * 32, -1, 1, 3), {}};

    latent denoise(sampling_run const& r, beginning start) {
        return *sfumato::denoise(test_device(), model.weights({role::denoiser}), model.denoiser(),
                                 {.run = r, .start = std::move(start), .positive = prompt}, dtype::f32, {});
    }
    latent masked(std::vector<float> mask) {
        return denoise(run, begin(run, noise, {.from = &image, .mask = std::move(mask)}, false));
    }
};

TEST(denoise, a_mask_keeps_what_is_outside_of_it) {
    tiny_run t;
    latent const free = t.denoise(t.run, begin(t.run, t.noise, {.from = &t.image}, false));
    std::vector<float> mask(t.cells * t.cells);
    EXPECT_EQ(t.masked(mask).values, t.image.values);
    std::ranges::fill(mask, 1.0f);
    EXPECT_EQ(t.masked(mask).values, free.values);
    std::fill_n(mask.begin(), mask.size() / 2, 0.0f);
    latent const half = t.masked(mask);
    for (std::size_t i = 0; i < half.values.size() / 2; ++i) ASSERT_EQ(half.values[i], t.image.values[i]) << i;
    EXPECT_NE(half.values, free.values);
}

// It is shown a hole, and may still have strengths.
TEST(denoise, a_mask_holds_for_an_inpainting_model_too) {
    tiny_run t;
    diffusion_model model(
        {.source = "procedural:sd1-inpaint-tiny", .parts = {}, .prediction = {}, .precision = dtype::f32});
    std::vector<float> mask(t.cells * t.cells), hole(mask.size(), 1);
    std::fill_n(mask.begin(), mask.size() / 2, 1.0f);
    auto const made = denoise(
        test_device(), model.weights({role::denoiser}), model.denoiser(),
        {.run = t.run,
         .start = begin(t.run, t.noise, {.from = &t.image, .mask = mask, .shown = &t.image, .hole = hole}, true),
         .positive = t.prompt},
        dtype::f32, {});
    ASSERT_TRUE(made);
    for (std::size_t i = 0; i < made->values.size(); ++i)
        ASSERT_EQ(made->values[i] == t.image.values[i], i >= made->values.size() / 2) << i;
}

// A strength between 0 and 1 begins from the picture where so much of the run is left.
TEST(denoise, the_mask_is_a_strength) {
    tiny_run t;
    auto const& all = t.run.evaluations;
    double const half = 0.5 * (all[2].timestep + all[1].timestep) / all[0].timestep; // between the second and the third
    std::vector<float> const mask(t.cells * t.cells, float(half));
    sampling_run last = t.run;
    last.evaluations.erase(last.evaluations.begin());
    last.from_image = all[0].reached;
    latent const wanted = t.denoise(last, begin(last, t.noise, {.from = &t.image}, false));
    EXPECT_LT(nmse(t.masked(mask).values, wanted.values), 1e-10);
    EXPECT_GT(nmse(t.masked(std::vector<float>(mask.size(), 1)).values, wanted.values), 1e-6);
}

// Thinking changes what is made, and nothing of what is known; without rounds it changes nothing.
TEST(denoise, thinks_before_steps) {
    tiny_run t;
    std::vector<float> mask(t.cells * t.cells);
    std::fill_n(mask.begin(), mask.size() / 2, 1.0f);
    auto const with = [&](int rounds) {
        unsigned seed = 0;
        int told = 0;
        latent const made =
            *denoise(test_device(), t.model.weights({role::denoiser}), t.model.denoiser(),
                     {.run = t.run,
                      .start = begin(t.run, t.noise, {.from = &t.image, .mask = mask}, false),
                      .positive = t.prompt,
                      .noise = [&] { return random_values(t.noise.values.size(), -1.7f, 1.7f, ++seed); },
                      .thinks = lanpaint_settings{.rounds = rounds},
                      .each = [&](int, latent const&, latent const&) { ++told; }},
                     dtype::f32, {});
        EXPECT_EQ(told, 4) << "thoughts are not told of";
        return made.values;
    };
    std::vector<float> const plain = t.masked(mask).values, none = with(0), thought = with(3);
    EXPECT_EQ(none, plain);
    for (std::size_t i = plain.size() / 2; i < plain.size(); ++i) ASSERT_EQ(thought[i], t.image.values[i]);
    EXPECT_GT(nmse(thought, plain), 1e-6);
    EXPECT_EQ(with(3), thought);
}

// ---- Residuals of a control network

// The shapes of what the input blocks of sd1-tiny put out for a latent of cells × cells, and of the middle.
std::vector<shape> residual_shapes(unet_config const& c, int cells) {
    std::vector<shape> all{{.h = cells, .w = cells, .c = c.channels(0)}};
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level, cells /= 2) {
        for (int i = 0; i < c.res_blocks; ++i) all.push_back({.h = cells, .w = cells, .c = c.channels(level)});
        if (level + 1 < c.channel_mult.size()) all.push_back({.h = cells / 2, .w = cells / 2, .c = c.channels(level)});
    }
    all.push_back(all.back());
    return all;
}

// With the value `at[i]` everywhere in the i-th; none where `at` is empty.
std::vector<float> unet_with(tiny_run& t, std::vector<float> const& at) {
    unet_config const& c = std::get<unet_config>(t.model.denoiser());
    weight_store& weights = t.model.weights({role::denoiser});
    graph g(test_device().target());
    scope const w(g, weights, std::string(unet_prefix));
    tensor const x = g.input({.h = t.cells, .w = t.cells, .c = 4}), timestep = g.input({.c = 1}),
                 context = g.input({.w = 77, .c = 32});
    denoiser_inputs in{.x = x, .timestep = timestep, .prompts = prepare(w, c, {.context = context})};
    if (!at.empty())
        for (shape const& s : residual_shapes(c, t.cells)) in.residuals.push_back(g.input(s));
    tensor const out = evaluate(w, c, in);
    g.output(out);
    EXPECT_TRUE(weights.load(test_device()));
    plan p(test_device(), std::move(g));
    p.upload<float>(x, t.noise.values);
    p.upload<float>(timestep, std::vector<float>{500});
    p.upload<float>(context, t.prompt.context);
    for (std::size_t i = 0; i < in.residuals.size(); ++i)
        p.upload<float>(in.residuals[i], std::vector<float>(in.residuals[i].shape.count(), at[i]));
    EXPECT_TRUE(p.run());
    return p.download<float>(out);
}

TEST(denoise, residuals_are_added_to_skips_and_middle) {
    tiny_run t;
    std::vector<float> const without = unet_with(t, {});
    std::size_t const count = residual_shapes(std::get<unet_config>(t.model.denoiser()), t.cells).size();
    EXPECT_EQ(count, 13u);
    std::vector<float> at(count, 0.0f);
    EXPECT_EQ(unet_with(t, at), without);
    std::vector<std::vector<float>> different;
    for (std::size_t i : {std::size_t(0), count / 2, count - 2, count - 1}) {
        at.assign(count, 0.0f);
        at[i] = 0.5f;
        different.push_back(unet_with(t, at));
        EXPECT_NE(different.back(), without) << i;
    }
    EXPECT_NE(different[2], different[3]) << "the last skip is not the middle";
}

} // namespace
} // namespace sfumato
