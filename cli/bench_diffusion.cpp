#include "cli/bench.h"

#include "models/pipelines/diffusion/denoise.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "models/sampling/noise.h"

#include <format>

namespace sfumato {

namespace {

struct cancelled {};

template <class T> T wanted(std::optional<T> result) {
    if (!result) throw cancelled{};
    return std::move(*result);
}

// Everything that a run of txt2img does, stage by stage. "cold": with what is done once, weights and pipelines.
struct stages {
    device& d;
    diffusion_model& model;
    run_size size;
    int steps;
    job const& j;
    memory_plan memory;

    double load = 0;                 // s, the UNet's weights
    double text = 0;                 // cold
    double first_step = 0, step = 0; // cold; median of those after it
    double decode_cold = 0, decode = 0;

    turns turn() { return {d, model, memory}; }
    std::vector<conditioning> encode();
    latent sample(std::vector<conditioning> const&);
    void decode_twice(latent const&);
};

std::vector<conditioning> stages::encode() {
    double const start = now();
    constexpr std::string_view prompt = "a photo of a cat";
    std::size_t const prompts = size.guided ? 2 : 1;
    text_inputs inputs;
    for (auto const& config : model.texts()) {
        clip_vocabulary const vocabulary{.size = config.vocabulary, .pad = config.pad};
        inputs.clips.push_back({config, {prompts, make_chunks(prompt, vocabulary)}});
    }
    if (auto const& t5 = model.what().t5) inputs.t5 = {prompts, make_t5_prompt(prompt, t5->vocabulary)};
    auto made = wanted(encode_prompts(turn(), inputs, j));
    text = now() - start;
    return made;
}

latent stages::sample(std::vector<conditioning> const& prompts) {
    // One step more than asked for: the first one is cold.
    sampling_run const run = plan_sampling({.sampler = sampler::euler,
                                            .scheduler = scheduler::normal,
                                            .steps = steps + 1,
                                            .prediction = model.what().prediction});
    noise_source source(generator::cpu, 1);
    int const z = model.latents().channels;
    latent const noise{size.height, size.width, z,
                       latent_noise(std::span(&source, 1), {.h = size.height, .w = size.width, .c = z})};
    denoiser_shape const channels = shape_of(model.denoiser());
    beginning first = begin(run, noise, {}, false);
    first.further.resize(std::size_t(size.height) * size.width * (channels.in_channels - channels.out_channels));
    std::vector<double> ends;
    double const start = now();
    double loaded = start;
    job const watched{.report =
                          [&](progress const& p) {
                              if (p.stage.format == "load the model") loaded = now();
                              j.report(p);
                          },
                      .cancelled = j.cancelled};
    int const cell = model.latents().cell;
    denoise_inputs const in{.run = run,
                            .pixels = {size.width * cell, size.height * cell},
                            .start = std::move(first),
                            .positive = prompts.front(),
                            .negative = size.guided ? &prompts.back() : nullptr,
                            .guidance = size.guided ? 7.0 : 1.0,
                            .each = [&](int, latent const&, latent const&) { ends.push_back(now()); }};
    latent done = wanted(
        denoise(d, turn().begin({role::denoiser}), model.denoiser(), in, memory.of({role::denoiser}).storage, watched));
    load = loaded - start;
    first_step = ends[0] - loaded;
    std::vector<double> each;
    for (std::size_t i = 1; i < ends.size(); ++i) each.push_back(ends[i] - ends[i - 1]);
    step = median(each);
    return done;
}

void stages::decode_twice(latent const& done) {
    part_plan const& planned = memory.of({role::vae_decoder});
    weight_store& weights = turn().begin({role::vae_decoder});
    for (double* seconds : {&decode_cold, &decode}) {
        double const start = now();
        wanted(decode_latent(d, weights, model.vae(), done, planned.tiles, planned.storage, j));
        *seconds = now() - start;
    }
}

bench_result shown(stages const& s, int size) {
    std::uint64_t const measured = s.d.memory_peak();
    return {.text = std::format("{}²: {}\n{}\nload the denoiser {:.2f} s, text {:.2f} s\n"
                                "step {:.3f} s (the first one {:.2f} s), decode {:.3f} s (the first one {:.2f} s)",
                                size, s.memory.text(), peak(s.memory.needed, measured), s.load, s.text, s.step,
                                s.first_step, s.decode, s.decode_cold),
            .json = {{"size", size},
                     {"seconds",
                      {{"load", s.load},
                       {"text", s.text},
                       {"first_step", s.first_step},
                       {"step", s.step},
                       {"decode_cold", s.decode_cold},
                       {"decode", s.decode}}},
                     {"memory",
                      {{"planned", s.memory.needed},
                       {"measured", measured},
                       {"available", s.memory.available},
                       {"plan", s.memory.text()}}}}};
}

} // namespace

std::optional<bench_result> bench_diffusion(device& d, options const& given, job const& j) {
    int const size = int(given.number("--size", 64, 4096, 512)) / 64 * 64,
              steps = int(given.number("--steps", 1, 1000, 3));
    auto const precision = given.precision();
    diffusion_model model({.source = given.value("--model"), .precision = precision});
    int const cells = size / model.latents().cell;
    int const t5_tokens = model.what().t5 ? int(t5_prompt::least) : 0;
    run_size const shape{.height = cells, .width = cells, .t5_tokens = t5_tokens, .guided = given.has("--guided")};
    dtype const storage = precision.value_or(d.target().storage());
    stages s{.d = d,
             .model = model,
             .size = shape,
             .steps = steps,
             .j = j,
             .memory = plan_memory(d, model, shape, {storage, storage, storage})};
    d.memory_peak(true);
    try {
        s.decode_twice(s.sample(s.encode()));
    } catch (cancelled const&) {
        return {};
    }
    return shown(s, size);
}

} // namespace sfumato
