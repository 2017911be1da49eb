#include "models/pipelines/diffusion/denoise.h"

#include "compute/device.h"
#include "compute/half.h"
#include "compute/ops_sampler.h"
#include "models/files/prefixes.h"
#include "models/nets/denoiser.h"
#include "models/pipelines/stages.h"
#include "models/sampling/coefficients.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

scope network_in(graph& g, weight_store& weights) { return scope(g, weights, std::string(unet_prefix)); }

// ---- What depends on the prompts alone, once

struct prompts_graph {
    graph g;
    tensor context;                      // [images, 1, tokens, channels] f32
    std::optional<tensor> pooled, sizes; // [images, 1, 1, p] and [6 · images] f32
    std::map<std::string, resident> kept;
};

prompts_graph record_prompts(target const& to, weight_store& weights, denoiser_config const& c, int images, int tokens,
                             dtype storage) {
    prompts_graph made{graph(to.storing(storage)), {}, {}, {}, {}};
    graph& g = made.g;
    g.stage(say("read the prompt"));
    denoiser_shape const s = shape_of(c);
    made.context = g.input({.n = images, .w = tokens, .c = s.context_channels});
    if (s.pooled_channels) made.pooled = g.input({.n = images, .c = s.pooled_channels});
    if (s.sizes) made.sizes = g.input({.c = images * s.sizes});
    conditioning_tensors const in{cast(g, made.context, storage), made.pooled, made.sizes};
    for (auto const& [name, t] : prepare(network_in(g, weights), c, in)) {
        made.kept[name] = std::make_shared<resident_tensor>(t.shape, t.type);
        g.keep(t, made.kept[name]);
    }
    return made;
}

std::vector<resident> residents(prompts_graph const& prompts) {
    std::vector<resident> all;
    for (auto const& [name, r] : prompts.kept) all.push_back(r);
    return all;
}

// Without the prompt first.
std::vector<float> of_images(denoise_inputs const& in, std::vector<float> conditioning::* what) {
    std::vector<float> values;
    if (in.negative) values = in.negative->*what;
    values.insert(values.end(), (in.positive.*what).begin(), (in.positive.*what).end());
    return values;
}

// The same for each image.
std::vector<float> sizes_of_images(denoise_inputs const& in, denoiser_config const& c) {
    std::vector<float> const one = sizes_told(c, in.pixels);
    std::vector<float> values = one;
    if (in.negative) values.insert(values.end(), one.begin(), one.end());
    return values;
}

bool read_prompts(device& d, denoiser_config const& c, prompts_graph& prompts, denoise_inputs const& in, job const& j) {
    plan p(d, std::move(prompts.g));
    p.upload<float>(prompts.context, of_images(in, &conditioning::context));
    if (prompts.pooled) p.upload<float>(*prompts.pooled, of_images(in, &conditioning::pooled));
    if (prompts.sizes) p.upload<float>(*prompts.sizes, sizes_of_images(in, c));
    return p.run([&](auto&&...) { return !j.is_cancelled(); });
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

step_graph record_step(target const& to, weight_store& weights, denoiser_config const& c, int height, int width,
                       bool masked, prompts_graph const& prompts, int images, dtype storage) {
    step_graph s{graph(to.storing(storage)), {}, {}, {}, {}, {}};
    graph& g = s.g;
    denoiser_shape const channels = shape_of(c);
    shape const latents{.h = height, .w = width, .c = channels.out_channels};
    s.input = g.input({.n = images, .h = height, .w = width, .c = channels.in_channels}, storage);
    s.timestep = g.input({.c = images});
    s.state = sampler_inputs(g, latents);
    g.output(s.state.x);
    s.x0 = g.temporary(latents);
    g.output(s.x0);

    denoiser_inputs in{.x = s.input, .timestep = s.timestep, .prompts = {}};
    for (auto const& [name, r] : prompts.kept) in.prompts[name] = g.resident(r);
    tensor const output = evaluate(network_in(g, weights), c, in);
    sampler_step_options options{.input = s.input, .x0 = s.x0};
    if (masked) {
        s.known = {g.input({.h = height, .w = width}), g.input(latents), g.input(latents)};
        options.known = {s.known.mask, s.known.image, s.known.noise};
    }
    sampler_step(g, s.state, output, options);
    return s;
}

void upload_as(plan& p, tensor const& t, std::vector<float> const& values) {
    if (t.type == dtype::f32) return p.upload<float>(t, values);
    std::vector<std::uint16_t> halves(values.size());
    std::ranges::transform(values, halves.begin(), t.type == dtype::f16 ? f16_bits : bf16_bits);
    p.upload<std::uint16_t>(t, halves);
}

// What the network is shown: x and what stays of an inpainting model's input, for each image.
std::vector<float> network_input(denoise_inputs const& in, latent const& x, evaluation const& e, tensor const& input) {
    int const c = x.channels, all = input.shape.c;
    assert(in.start.further.size() == std::size_t(x.height) * x.width * (all - c));
    float const scale = float(e.input_scale);
    std::vector<float> values(input.shape.count());
    for (std::size_t cell = 0; cell < values.size() / all; ++cell) {
        std::size_t const of_image = cell % (std::size_t(x.height) * x.width);
        for (int i = 0; i < all; ++i)
            values[cell * all + i] =
                i < c ? scale * x.values[of_image * c + i] : in.start.further[of_image * (all - c) + (i - c)];
    }
    return values;
}

// 1 where x is the sampler's after evaluation i: where the mask is at least the part of the run that is left then.
std::vector<float> mask_after(sampling_run const& run, std::size_t i, std::vector<float> const& strength) {
    auto const& all = run.evaluations;
    double const left = i + 1 < all.size() ? all[i + 1].timestep / all.front().timestep : 0;
    std::vector<float> mask(strength.size());
    std::ranges::transform(strength, mask.begin(), [&](float s) { return float(s > 0 && double(s) >= left); });
    return mask;
}

// What is known of x: the cells of which less than half is made anew.
lanpaint_known known_of(known_latent const& k) {
    lanpaint_known known{{}, k.image.values};
    for (std::size_t i = 0; i < known.image.size(); ++i)
        known.is_known.push_back(k.mask[i / std::size_t(k.image.channels)] < 0.5f);
    return known;
}

void check_finite(std::vector<float> const& values, int step, int steps, device& d) {
    if (std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) return;
    fail("The model computed values that are no numbers in step {} of {} on {}: its file may be damaged, or needs more "
         "precision than this device's 16-bit numbers have (try --dtype fp32).",
         step + 1, steps, d.info().name);
}

// The steps, one after another, and what is thought before them.
class step_runner {
  public:
    step_runner(device& d, step_graph recorded, denoise_inputs const& in, job const& j)
        : in_(in), job_(j), device_(d), step_(std::move(recorded)), plan_(d, std::move(step_.g)), x_(in.start.x) {
        for (int i = 0; i < evaluations(); ++i) calls_ += 1 + rounds(i);
        show(in.run.evaluations.front());
        if (!in.start.known) return;
        plan_.upload<float>(step_.known.image, in.start.known->image.values);
        plan_.upload<float>(step_.known.noise, in.start.known->noise);
    }

    int evaluations() const { return int(in_.run.evaluations.size()); }

    // False: cancelled.
    bool run(int i) {
        evaluation const& e = in_.run.evaluations[std::size_t(i)];
        if (rounds(i) && !think_before(i)) return false;
        if (in_.start.known)
            plan_.upload<float>(step_.known.mask, mask_after(in_.run, std::size_t(i), in_.start.known->mask));
        if (e.uses_noise()) plan_.upload<float>(step_.state.noise, in_.noise());
        if (!call(e, step_coefficients(in_.run, i, in_.guidance))) return false;
        x_.values = plan_.download<float>(step_.state.x);
        check_finite(x_.values, e.step, in_.run.steps, device_);
        if (!in_.each) return true;
        latent x0 = x_;
        x0.values = picture();
        in_.each(i, x_, x0);
        return true;
    }

    latent const& x() const { return x_; }

  private:
    int rounds(int i) const { return in_.thinks ? rounds_before(*in_.thinks, in_.run, std::size_t(i)) : 0; }
    std::vector<float> picture() { return plan_.download<float>(step_.x0); }

    void show(evaluation const& e) {
        upload_as(plan_, step_.input, network_input(in_, x_, e, step_.input));
        plan_.upload<float>(step_.state.x, x_.values);
    }
    bool call(evaluation const& e, kernel::sampler_coefficients const& coefficients) {
        plan_.upload(step_.state.coefficients, &coefficients, sizeof coefficients);
        plan_.upload<float>(step_.timestep, std::vector<float>(step_.timestep.shape.count(), float(e.timestep)));
        bool const going = plan_.run([&](sentence const&, double fraction) {
            job_.report({say("step {} of {}", e.step + 1, in_.run.steps), (called_ + fraction) / calls_});
            return !job_.is_cancelled();
        });
        ++called_;
        return going;
    }
    bool think_before(int i) {
        evaluation const& e = in_.run.evaluations[std::size_t(i)];
        plan_.upload<float>(step_.known.mask, std::vector<float>(step_.known.mask.shape.count(), 1)); // x stays
        auto const predict = [&](std::vector<float> const& z) {
            x_.values = z;
            show(e);
            return call(e, look_coefficients(in_.run, i, in_.guidance)) ? picture() : std::vector<float>();
        };
        std::vector<float> z = x_.values;
        if (!think(*in_.thinks, e.level, known_of(*in_.start.known), z, predict, in_.noise)) return false;
        x_.values = std::move(z);
        show(e);
        return true;
    }

    denoise_inputs const& in_;
    job const& job_;
    device& device_;
    step_graph step_;
    plan plan_;
    latent x_;
    int calls_ = 0, called_ = 0; // of the network
};

} // namespace

std::vector<float> sizes_told(denoiser_config const& c, pixel_size size) {
    if (!shape_of(c).sizes) return {};
    float const height = float(size.height), width = float(size.width);
    return {height, width, 0, 0, height, width};
}

denoise_costs measure_denoise(device& d, weight_store& weights, denoiser_config const& c, run_size const& size,
                              dtype storage) {
    int const images = size.guided ? 2 : 1, tokens = size.tokens();
    prompts_graph const prompts = record_prompts(d.target(), weights, c, images, tokens, storage);
    step_graph const step =
        record_step(d.target(), weights, c, size.height, size.width, size.masked, prompts, images, storage);
    return {.prompts = resident_bytes(d, residents(prompts)),
            .prompts_arena = plan::peak_bytes(prompts.g),
            .step_arena = plan::peak_bytes(step.g),
            .step_fetched = step.g.fetched_bytes(),
            .step_work = step.g.work()};
}

std::optional<latent> denoise(device& d, weight_store& weights, denoiser_config const& c, denoise_inputs const& in,
                              dtype storage, job const& j) {
    latent const& x = in.start.x;
    int const images = in.negative ? 2 : 1;
    prompts_graph prompts = record_prompts(d.target(), weights, c, images, in.positive.tokens, storage);
    step_graph step =
        record_step(d.target(), weights, c, x.height, x.width, in.start.known.has_value(), prompts, images, storage);
    place(d, residents(prompts));
    auto const running = load(d, weights, j);
    if (!running || !read_prompts(d, c, prompts, in, *running)) return std::nullopt;

    step_runner steps(d, std::move(step), in, *running);
    for (int i = 0; i < steps.evaluations(); ++i)
        if (!steps.run(i)) return std::nullopt;
    return steps.x();
}

} // namespace sfumato
