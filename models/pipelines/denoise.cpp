#include "models/pipelines/denoise.h"

#include "compute/half.h"
#include "compute/ops_sampler.h"
#include "models/nets/unet.h"
#include "models/pipelines/stages.h"
#include "models/sampling/coefficients.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

constexpr char const* root = "model.diffusion_model";

// ---- Keys and values of the prompts, once

// Of one run of the network: where they stay, by transformer block.
using kept_context = std::map<std::string, std::pair<resident, resident>>;

struct context_graph {
    graph g;
    tensor in; // [images, 1, tokens, channels] f32
    kept_context kept;
};

context_graph record_context(target const& to, weight_store& weights, unet_config const& c, int images, int tokens,
                             dtype storage) {
    context_graph made{graph(to.storing(storage)), {}, {}};
    made.g.stage("read the prompt");
    made.in = made.g.input({.n = images, .w = tokens, .c = c.context_dim});
    auto const keep = [&](tensor const& t) {
        auto const r = std::make_shared<resident_tensor>(t.shape, t.type);
        made.g.keep(t, r);
        return r;
    };
    for (auto const& [block, keys_values] :
         unet_context(scope(made.g, weights, root), c, cast(made.g, made.in, storage)))
        made.kept[block] = {keep(keys_values.first), keep(keys_values.second)};
    return made;
}

std::vector<resident> residents(kept_context const& kept) {
    std::vector<resident> all;
    for (auto const& [block, keys_values] : kept) all.insert(all.end(), {keys_values.first, keys_values.second});
    return all;
}

// ---- A step

struct step_graph {
    graph g;
    tensor input;    // [images, height, width, in_channels] of the storage type
    tensor timestep; // [images] f32
    sampler_state state;
    tensor x0;
    struct {
        tensor mask, image, noise;
    } known;
};

// `contexts`: one for all images, or one for each of two runs: without the prompt, and with it.
step_graph record_step(target const& to, weight_store& weights, unet_config const& c, run_size const& size,
                       std::vector<kept_context> const& contexts, int images, dtype storage) {
    step_graph s{graph(to.storing(storage)), {}, {}, {}, {}, {}};
    graph& g = s.g;
    shape const latents{.h = size.height, .w = size.width, .c = c.out_channels};
    s.input = g.input({.n = images, .h = size.height, .w = size.width, .c = c.in_channels}, storage);
    s.timestep = g.input({.c = images});
    s.state = sampler_inputs(g, latents);
    g.output(s.state.x);
    s.x0 = g.temporary(latents);
    g.output(s.x0);

    scope const w(g, weights, root);
    std::vector<tensor> outputs;
    for (kept_context const& kept : contexts) {
        cross_attention context;
        for (auto const& [block, keys_values] : kept)
            context[block] = {g.resident(keys_values.first), g.resident(keys_values.second)};
        outputs.push_back(unet(w, c, {s.input, s.timestep, context, {}}));
    }
    sampler_step_options options{.input = s.input, .x0 = s.x0};
    if (outputs.size() > 1) options.positive = outputs[1];
    if (size.masked) {
        s.known = {g.input({.h = size.height, .w = size.width}), g.input(latents), g.input(latents)};
        options.known = {s.known.mask, s.known.image, s.known.noise};
    }
    sampler_step(g, s.state, outputs[0], options);
    return s;
}

// Images in a run of the network, and runs in a step.
struct guidance_shape {
    int images, runs;
};
guidance_shape shape_of(bool guided, memory_choice const& c) {
    if (!guided) return {1, 1};
    return c.guidance_in_one_batch ? guidance_shape{2, 1} : guidance_shape{1, 2};
}

void upload_as(plan& p, tensor const& t, std::vector<float> const& values) {
    if (t.type == dtype::f32) return p.upload<float>(t, values);
    std::vector<std::uint16_t> halves(values.size());
    std::ranges::transform(values, halves.begin(), t.type == dtype::f16 ? f16_bits : bf16_bits);
    p.upload<std::uint16_t>(t, halves);
}

// What the network is shown first: x and what stays of an inpainting model's input, for each image.
std::vector<float> first_input(denoise_inputs const& in, tensor const& input) {
    int const c = in.start.channels, all = input.shape.c;
    assert(in.further.size() == std::size_t(in.start.height) * in.start.width * (all - c));
    float const scale = float(in.run.evaluations.front().input_scale);
    std::vector<float> values(input.shape.count());
    for (std::size_t cell = 0; cell < values.size() / all; ++cell) {
        std::size_t const of_image = cell % (std::size_t(in.start.height) * in.start.width);
        for (int i = 0; i < all; ++i)
            values[cell * all + i] =
                i < c ? scale * in.start.values[of_image * c + i] : in.further[of_image * (all - c) + (i - c)];
    }
    return values;
}

void check_finite(std::vector<float> const& values, int step, int steps, device& d) {
    if (std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) return;
    fail("The UNet computed values that are no numbers in step {} of {} on {}: its file may be damaged, or needs more "
         "precision than "
         "this device's 16-bit numbers have (try --dtype fp32).",
         step + 1, steps, d.info().name);
}

} // namespace

latent start_latent(sampling_run const& run, latent noise, latent const* image) {
    assert(!image || image->values.size() == noise.values.size());
    noise_level const level = image ? run.from_image : noise_level{0, run.from_noise};
    for (std::size_t i = 0; i < noise.values.size(); ++i)
        noise.values[i] = float((image ? level.image * image->values[i] : 0) + level.noise * noise.values[i]);
    return noise;
}

std::vector<float> inpainting_channels(std::vector<float> const& mask, latent const& masked) {
    assert(mask.size() == std::size_t(masked.height) * masked.width);
    std::vector<float> all;
    for (std::size_t cell = 0; cell < mask.size(); ++cell) {
        all.push_back(mask[cell]);
        auto const from = masked.values.begin() + std::ptrdiff_t(cell) * masked.channels;
        all.insert(all.end(), from, from + masked.channels);
    }
    return all;
}

denoise_costs measure_denoise(device& d, weight_store& weights, diffusion_model const& model, run_size const& size,
                              memory_choice const& choice, dtype storage) {
    auto const [images, runs] = shape_of(size.guided, choice);
    int const tokens = size.chunks * int(prompt_chunks::length);
    std::vector<kept_context> contexts;
    denoise_costs costs;
    for (int i = 0; i < runs; ++i) {
        context_graph const c = record_context(d.target(), weights, model.unet(), images, tokens, storage);
        costs.context_arena = plan::peak_bytes(c.g);
        costs.context += resident_bytes(d, residents(c.kept));
        contexts.push_back(c.kept);
    }
    step_graph const step = record_step(d.target(), weights, model.unet(), size, contexts, images, storage);
    costs.step_arena = plan::peak_bytes(step.g);
    costs.step_work = step.g.work();
    return costs;
}

std::optional<latent> denoise(device& d, diffusion_model& model, memory_plan const& memory, denoise_inputs const& in,
                              job const& j) {
    unet_config const& config = model.unet();
    auto const [images, runs] = shape_of(in.negative != nullptr, memory.choice);
    int const tokens = in.positive.tokens;
    weight_store& weights = model.weights(diffusion_model::part::unet, memory.choice.unet_weights);

    std::vector<context_graph> prompts;
    std::vector<kept_context> contexts;
    for (int i = 0; i < runs; ++i) {
        prompts.push_back(record_context(d.target(), weights, config, images, tokens, memory.storage));
        contexts.push_back(prompts.back().kept);
        place(d, residents(contexts.back()));
    }
    run_size const size{.height = in.start.height, .width = in.start.width, .masked = in.known.has_value()};
    step_graph step = record_step(d.target(), weights, config, size, contexts, images, memory.storage);
    auto const running = load(d, weights, j);
    if (!running) return std::nullopt;

    for (int i = 0; i < runs; ++i) {
        plan p(d, std::move(prompts[i].g));
        std::vector<float> values;
        // Without the prompt first.
        if (in.negative && (images == 2 || i == 0)) values = in.negative->values;
        if (!in.negative || images == 2 || i == 1)
            values.insert(values.end(), in.positive.values.begin(), in.positive.values.end());
        p.upload<float>(prompts[i].in, values);
        if (!p.run([&](auto&&...) { return !j.is_cancelled(); })) return std::nullopt;
    }

    plan p(d, std::move(step.g));
    upload_as(p, step.input, first_input(in, step.input));
    p.upload<float>(step.state.x, in.start.values);
    if (in.known) {
        p.upload<float>(step.known.mask, in.known->mask);
        p.upload<float>(step.known.image, in.known->image.values);
        p.upload<float>(step.known.noise, in.known->noise);
    }
    latent x = in.start, x0 = in.start;
    int const count = int(in.run.evaluations.size());
    for (int i = 0; i < count; ++i) {
        evaluation const& e = in.run.evaluations[i];
        kernel::sampler_coefficients const coefficients = step_coefficients(in.run, i, in.guidance);
        p.upload(step.state.coefficients, &coefficients, sizeof coefficients);
        p.upload<float>(step.timestep, std::vector<float>(images, float(e.timestep)));
        if (e.uses_noise()) p.upload<float>(step.state.noise, in.noise());
        bool const going = p.run([&](std::string const&, double fraction) {
            running->report({std::format("step {} of {}", e.step + 1, in.run.steps), (i + fraction) / count});
            return !running->is_cancelled();
        });
        if (!going) return std::nullopt;
        x.values = p.download<float>(step.state.x);
        check_finite(x.values, e.step, in.run.steps, d);
        if (in.each) {
            x0.values = p.download<float>(step.x0);
            in.each(i, x, x0);
        }
    }
    return x;
}

} // namespace sfumato
