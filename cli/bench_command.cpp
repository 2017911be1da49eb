// How fast a model runs here, and whether it takes the memory that was planned.
#include "cli/bench.h"
#include "cli/help.h"

#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "compute/self_check.h"
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"

#include <algorithm>
#include <chrono>
#include <format>

namespace sfumato {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median(std::vector<double> v) {
    std::ranges::sort(v);
    return v.empty() ? 0 : (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2;
}

std::string peak(std::uint64_t planned, std::uint64_t measured) {
    return std::format("peak: {:.1f} MB planned, {:.1f} MB measured", double(planned) / 1e6, double(measured) / 1e6);
}

namespace {

int bench(options const& given) {
    if (given.files != std::vector<std::string>{"net"}) throw usage_error("bench measures one thing: net");
    if (!given.has("--model")) throw usage_error("bench net needs --model MODEL");
    progress_line line(given.has("--json"));
    cancel_on_interrupt();
    device d(given.value("--device"));
    self_check(d);
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    auto const model = describe_model(open_checkpoint(given.value("--model")));
    auto result = model.upscaler              ? bench_upscaler(d, given, j)
                  : model.lama || model.migan ? bench_filler(d, given, j)
                                              : bench_diffusion(d, given, j);
    if (!result) {
        line.finish("cancelled", {{"type", "cancelled"}});
        return exit_code::cancelled;
    }
    result->json.update({{"type", "result"},
                         {"model", given.value("--model")},
                         {"device", d.info().name},
                         {"driver", d.info().driver}});
    line.finish(std::format("{} on {} ({})\n{}", given.value("--model"), d.info().name, d.info().driver, result->text),
                result->json);
    return exit_code::ok;
}

std::string const help = help_text(
    {.example = "sfumato bench net --model procedural:sd15 --size 512",
     .usage = "sfumato bench net --model MODEL [OPTION…]",
     .about = "Seconds a stage and a step, and the memory planned and measured.",
     .options = {
         {"--model MODEL",
          "a checkpoint, an upscaler, LaMa or MI-GAN, or full size with made-up weights: procedural:sd15, "
          "procedural:sd21, procedural:rrdbnet-x4, procedural:srvgg-x4, procedural:big-lama, procedural:migan-512"},
         {"--size N", "the picture's side in pixels: a multiple of 64 (512), of an upscaler of 4 (128), of "
                      "LaMa of 8 (512); a MI-GAN has one size"},
         {"--steps N", "after a first one that is not counted (3)"},
         {"--guided", "with a negative prompt: two evaluations a step"},
         {"--dtype NAME", "fp32, fp16 or bf16 (default: as the device likes it)"},
         device_help,
         {"--json", "progress and result on standard output, one JSON object a line"}}});

} // namespace

command const bench_command{
    .name = "bench",
    .summary = "how fast a model runs here",
    .help = help,
    .run = bench,
    .with_value = {"--model", "--size", "--steps", "--dtype", "--device"},
    .flags = {"--guided", "--json"},
};

} // namespace sfumato
