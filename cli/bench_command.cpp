// How fast a model runs here, and whether it takes the memory that was planned.
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "compute/device.h"
#include "compute/self_check.h"
#include "models/pipelines/denoise.h"
#include "models/pipelines/latent_codec.h"
#include "models/pipelines/prompt_context.h"
#include "models/sampling/noise.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

namespace {

using part = diffusion_model::part;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median(std::vector<double> v) {
    std::ranges::sort(v);
    return v.empty() ? 0 : (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2;
}

// Everything that a run of txt2img does, stage by stage. "cold": with what is done once, weights and pipelines.
struct figures {
    memory_plan memory;
    double load = 0;                 // s, the UNet's weights
    double text = 0;                 // cold
    double first_step = 0, step = 0; // cold; median of those after it
    double decode_cold = 0, decode = 0;
    std::uint64_t measured = 0; // bytes on the device at the peak
};

struct cancelled {};

template <class T> T wanted(std::optional<T> result) {
    if (!result) throw cancelled{};
    return std::move(*result);
}

figures measure(device& d, diffusion_model& model, int size, int steps, bool guided, std::optional<dtype> precision,
                job const& j) {
    run_size const shape{.height = size / latent_scale, .width = size / latent_scale, .guided = guided};
    figures f{.memory = plan_memory(d, model, shape, precision.value_or(d.target().storage()))};
    d.memory_peak(true);
    auto const make_room = [&](part p) {
        if (!f.memory.choice.keep_weights) model.release_all_but(p);
    };

    double start = now();
    clip_vocabulary const vocabulary{.size = model.text().vocabulary, .pad = model.text().pad};
    std::vector<prompt_chunks> const prompts(guided ? 2 : 1, make_chunks("a photo of a cat", vocabulary));
    auto const contexts = wanted(encode_prompts(d, model, model.text(), prompts, f.memory.storage, j));
    f.text = now() - start;

    // One step more than asked for: the first one is cold.
    sampling_run const run =
        plan_sampling({.sampler = sampler::euler, .scheduler = scheduler::normal, .steps = steps + 1});
    make_room(part::unet);
    noise_source source(generator::cpu, 1);
    int const z = model.vae().z_channels;
    latent x{shape.height, shape.width, z,
             latent_noise(std::span(&source, 1), {.h = shape.height, .w = shape.width, .c = z})};
    for (float& v : x.values) v = float(v * run.from_noise);
    std::vector<double> ends;
    double loaded = start = now();
    job watched{.report =
                    [&](progress const& p) {
                        if (p.stage.starts_with("load")) loaded = now();
                        j.report(p);
                    },
                .cancelled = j.cancelled};
    denoise_inputs const in{.run = run,
                            .start = x,
                            .positive = contexts.front(),
                            .negative = guided ? &contexts.back() : nullptr,
                            .guidance = guided ? 7.0 : 1.0,
                            .further = std::vector<float>(std::size_t(shape.height) * shape.width *
                                                          (model.unet().in_channels - model.unet().out_channels)),
                            .each = [&](int, latent const&, latent const&) { ends.push_back(now()); }};
    latent const done = wanted(denoise(d, model, f.memory, in, watched));
    f.load = loaded - start;
    f.first_step = ends[0] - loaded;
    std::vector<double> each;
    for (std::size_t i = 1; i < ends.size(); ++i) each.push_back(ends[i] - ends[i - 1]);
    f.step = median(each);

    make_room(part::vae_decoder);
    for (double* seconds : {&f.decode_cold, &f.decode}) {
        start = now();
        wanted(decode_latent(d, model.weights(part::vae_decoder), model.vae(), done, f.memory.choice.vae,
                             f.memory.storage, j));
        *seconds = now() - start;
    }
    f.measured = d.memory_peak();
    return f;
}

json as_json(figures const& f, device& d, options const& given, int size) {
    return {{"type", "result"},
            {"model", given.value("--model")},
            {"device", d.info().name},
            {"driver", d.info().driver},
            {"size", size},
            {"seconds",
             {{"load", f.load},
              {"text", f.text},
              {"first_step", f.first_step},
              {"step", f.step},
              {"decode_cold", f.decode_cold},
              {"decode", f.decode}}},
            {"memory",
             {{"planned", f.memory.needed},
              {"measured", f.measured},
              {"available", f.memory.available},
              {"plan", f.memory.text()}}}};
}

int bench(options const& given) {
    if (given.files != std::vector<std::string>{"net"}) throw usage_error("bench measures one thing: net");
    if (!given.has("--model")) throw usage_error("bench net needs --model MODEL");
    int const size = int(given.number("--size", 64, 4096, 512)) / 64 * 64,
              steps = int(given.number("--steps", 1, 1000, 3));
    auto const precision = given.precision();
    progress_line line(given.has("--json"));
    cancel_on_interrupt();
    device d(given.value("--device"));
    self_check(d);
    diffusion_model model({.source = given.value("--model"), .precision = precision});
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    figures f;
    try {
        f = measure(d, model, size, steps, given.has("--guided"), precision, j);
    } catch (cancelled const&) {
        line.finish("cancelled", {{"type", "cancelled"}});
        return exit_code::cancelled;
    }
    line.finish(std::format("{} at {}² on {} ({})\n{}\n"
                            "peak: {:.1f} MB planned, {:.1f} MB measured\n"
                            "load the UNet {:.2f} s, text {:.2f} s\n"
                            "step {:.3f} s (the first one {:.2f} s), decode {:.3f} s (the first one {:.2f} s)",
                            given.value("--model"), size, d.info().name, d.info().driver, f.memory.text(),
                            double(f.memory.needed) / 1e6, double(f.measured) / 1e6, f.load, f.text, f.step,
                            f.first_step, f.decode, f.decode_cold),
                as_json(f, d, given, size));
    return exit_code::ok;
}

} // namespace

command const bench_command{
    .name = "bench",
    .summary = "how fast a model runs here",
    .help = "Usage: sfumato bench net --model MODEL [OPTION…]\n\n"
            "Seconds a stage and a step, and the memory planned and measured.\n\n"
            "  --model MODEL   a checkpoint, or procedural:sd15, procedural:sd21: full size, with made-up weights\n"
            "  --size N        the picture's side in pixels, a multiple of 64 (512)\n"
            "  --steps N       after a first one that is not counted (3)\n"
            "  --guided        with a negative prompt: two evaluations a step\n"
            "  --dtype NAME    fp32, fp16 or bf16 (default: as the device likes it)\n"
            "  --device NAME   the GPU: its number in `sfumato devices`, or a part of its name\n"
            "  --json          progress and result on standard output, one JSON object a line\n",
    .run = bench,
    .with_value = {"--model", "--size", "--steps", "--dtype", "--device"},
    .flags = {"--guided", "--json"},
};

} // namespace sfumato
