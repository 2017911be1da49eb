// txt2img and img2img: what the options say becomes a request, and its pictures become files.
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/picture_file.h"
#include "cli/progress_line.h"
#include "cli/recipe.h"
#include "cli/request_options.h"
#include "compute/error.h"
#include "models/json.h"
#include "models/sampling/names.h"
#include "models/text/parameters.h"
#include "models/weights/joined.h"

#include <chrono>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

namespace {

std::vector<request_option> with_shared(std::vector<request_option> own) {
    using is = request_option;
    own.insert(own.end(), {{"--model", "model", is::text},
                           {"--vae", "vae", is::text},
                           {"--prompt", "prompt", is::text},
                           {"--negative", "negative_prompt", is::text},
                           {"--steps", "steps", is::whole},
                           {"--cfg", "cfg", is::real},
                           {"--sampler", "sampler", is::text},
                           {"--scheduler", "scheduler", is::text},
                           {"--seed", "seed", is::whole},
                           {"--rng", "rng", is::text},
                           {"--clip-skip", "clip_skip", is::whole},
                           {"--batch", "batch", is::whole},
                           {"--prediction", "prediction", is::text},
                           {"--zero-terminal-snr", "zero_terminal_snr", is::flag},
                           {"--dtype", "dtype", is::text}});
    return own;
}
std::vector<request_option> const txt2img_settings =
    with_shared({{"--width", "width", request_option::whole}, {"--height", "height", request_option::whole}});
std::vector<request_option> const img2img_settings = with_shared(
    {{"--strength", "strength", request_option::real}, {"--strength-rule", "strength_rule", request_option::text}});

generation_parameters parameters_of(request const& r, picture const& made, int k) {
    diffusion_settings const& d = r.diffusion;
    generation_parameters p{.prompt = d.prompt,
                            .negative_prompt = d.negative_prompt,
                            .steps = d.steps,
                            .sampler = std::string(display_name(d.sampler)),
                            .schedule_type =
                                std::string(display_name(d.scheduler.value_or(default_scheduler(d.sampler)))),
                            .cfg_scale = float(d.cfg),
                            .seed = std::uint64_t(r.seed) + std::uint64_t(k),
                            .width = made.width,
                            .height = made.height,
                            .model = std::filesystem::path(d.model).stem().string(),
                            .vae = std::filesystem::path(d.vae).filename().string(),
                            .clip_skip = d.clip_skip,
                            .rng = d.rng == generator::cpu ? "CPU" : ""};
    if (r.operation == operation::img2img) p.denoising_strength = float(d.strength);
    return p;
}

// OUT, or for several pictures OUT-1, OUT-2 … before the ending.
std::string name_of_picture(std::string const& out, int k, int count) {
    if (count == 1) return out;
    std::filesystem::path const path = out;
    return (path.parent_path() / std::format("{}-{}{}", path.stem().string(), k + 1, path.extension().string()))
        .string();
}

// Each picture's own recipe makes that one alone again.
void write_picture(std::string const& path, request r, picture const& made, int k) {
    std::string const parameters = parameters_text(parameters_of(r, made, k));
    r.seed += k;
    r.diffusion.batch = 1;
    picture_file(made).write(path, {{"parameters", parameters}, {recipe_keyword, json_line(request_to_json(r))}});
}

std::vector<std::string> names_of_pictures(options const& given, int count) {
    std::vector<std::string> names;
    for (int k = 0; k < count; ++k) {
        names.push_back(name_of_picture(given.value("-o"), k, count));
        check_can_write(names.back());
    }
    return names;
}

// The plan is told, and previews are written where they are wanted.
generate_watch watch(options const& given, progress_line& line) {
    generate_watch w{.planned = [&line](memory_plan const& plan) {
        line.note(plan.text(),
                  {{"type", "plan"}, {"text", plan.text()}, {"needed", plan.needed}, {"available", plan.available}});
    }};
    if (given.has("--preview")) {
        std::string const path = given.value("--preview");
        check_can_write(path);
        w.preview = [path](picture const& p) { picture_file(p).write(path, {}); };
    }
    if (given.has("--preview-model")) {
        if (!w.preview) throw usage_error("--preview-model needs --preview FILE");
        w.preview_decoder = std::make_shared<checkpoint const>(open_taesd(given.value("--preview-model")));
    }
    return w;
}

int generate_files(options const& given, request const& r, picture const* from, progress_line& line) {
    std::vector<std::string> const names = names_of_pictures(given, r.diffusion.batch);
    generate_watch const watcher = watch(given, line);
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    auto const start = std::chrono::steady_clock::now();
    auto const made = open_generate_job(given.value("--device"))(r, from, j, watcher);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    if (!made || interrupted()) {
        line.finish("cancelled", {{"type", "cancelled"}});
        return exit_code::cancelled;
    }
    for (std::size_t k = 0; k < names.size(); ++k) write_picture(names[k], r, (*made)[k], int(k));
    std::string const more = names.size() > 1 ? std::format("and {} more ", names.size() - 1) : "";
    line.finish(
        std::format("{}: {}made in {:.1f} s, seed {}", names[0], more, seconds.count(), r.seed),
        {{"type", "result"}, {"outputs", names}, {"seconds", seconds.count()}, {"request", request_to_json(r)}});
    return exit_code::ok;
}

request prepare(options const& given, char const* operation, std::vector<request_option> const& settings,
                progress_line& line) {
    if (!given.has("-o")) throw usage_error(std::format("{} needs -o OUT", operation));
    cancel_on_interrupt();
    request const r = request_of(given, operation, settings, line);
    if (r.diffusion.model.empty()) throw usage_error(std::format("{} needs --model MODEL", operation));
    return r;
}

int txt2img(options const& given) {
    if (!given.files.empty()) throw usage_error("txt2img takes no picture; img2img does");
    progress_line line(given.has("--json"));
    return generate_files(given, prepare(given, "txt2img", txt2img_settings, line), nullptr, line);
}

int img2img(options const& given) {
    if (given.files.size() != 1) throw usage_error("img2img takes exactly one picture");
    progress_line line(given.has("--json"));
    request const r = prepare(given, "img2img", img2img_settings, line);
    std::string const& in = given.files.front();
    line.show({.stage = "read " + in});
    check_differ(in, given.value("-o"));
    picture_file const file = picture_file(in, [&](std::string const& text) { line.warn(text); }).upright();
    picture const from = finite_crop(file, {0, 0, file.width(), file.height()}, in);
    return generate_files(given, r, &from, line);
}

constexpr char const* shared_help =
    "  --model MODEL      a checkpoint (.safetensors, .ckpt, .gguf) or a diffusers folder\n"
    "  --prompt TEXT      (word:1.2) weighs, [word] weakens, BREAK starts the next 75 tokens\n"
    "  --negative TEXT    what is not wanted\n"
    "  --vae FILE         a VAE to use instead of the model's own\n"
    "  --steps N          20\n"
    "  --cfg X            guidance scale, 7; 1: the prompt alone, twice as fast\n"
    "  --sampler NAME     dpmpp_2m (default), euler, euler_a, heun, dpmpp_2m_sde, dpmpp_sde, dpmpp_3m_sde, ddim,\n"
    "                     plms, unipc, lcm\n"
    "  --scheduler NAME   the one that goes with the sampler, or normal, karras, exponential, sgm_uniform, simple,\n"
    "                     ddim_uniform, beta, ays, leading, trailing, linspace, lcm\n"
    "  --seed N           0 to 9223372036854775807 (default: random)\n"
    "  --rng NAME         cpu (default): ComfyUI's noise; cuda: A1111's\n"
    "  --clip-skip N      1: the text encoder's usual layer\n"
    "  --batch N          so many pictures, of seed, seed + 1 …: OUT-1, OUT-2 …\n"
    "  --prediction NAME  epsilon or v, where the file does not tell (SD 2.x)\n"
    "  --zero-terminal-snr  for models that were trained so\n"
    "  --dtype NAME       fp32, fp16 or bf16: what is computed with (default: as the device likes it)\n"
    "  --recipe FILE      a PNG that an earlier run wrote, or its JSON: made again bit for bit; the options above win\n"
    "  --preview FILE     a small picture, written anew after each step\n"
    "  --preview-model FILE  TAESD: previews are as large as the picture (taesd_decoder.safetensors)\n"
    "  --device NAME      the GPU: its number in `sfumato devices`, or a part of its name\n"
    "  --json             plan, progress, result and error on standard output, one JSON object a line\n\n"
    "A PNG carries the request and A1111's parameters text.\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 cancelled with Ctrl-C.\n";

std::vector<std::string_view> const own_options{"-o", "--preview", "--preview-model", "--device"};

std::string const txt2img_help =
    std::string("Usage: sfumato txt2img -o OUT --model MODEL --prompt TEXT [OPTION…]\n\n"
                "Makes a picture from words.\n\n"
                "  -o OUT             the file to write: PNG, JPEG, TIFF, WebP or OpenEXR\n"
                "  --width N, --height N  pixels, multiples of 8 (default: as the model was trained)\n") +
    shared_help;
std::string const img2img_help =
    std::string(
        "Usage: sfumato img2img IN -o OUT --model MODEL --prompt TEXT [OPTION…]\n\n"
        "Makes a picture anew, after the words; its size stays, its transparency too.\n\n"
        "  -o OUT             the file to write: PNG, JPEG, TIFF, WebP or OpenEXR\n"
        "  --strength X       0.75: how much is made anew, from just above 0 to 1\n"
        "  --strength-rule NAME  full_steps (default): all steps run whatever the strength (ComfyUI); fewer_steps:\n"
        "                     steps × strength of them (diffusers)\n") +
    shared_help;

} // namespace

command const txt2img_command{.name = "txt2img",
                              .summary = "make a picture from words, with a Stable Diffusion model",
                              .help = txt2img_help,
                              .run = txt2img,
                              .with_value = with_value(txt2img_settings, own_options),
                              .flags = {"--json", "--zero-terminal-snr"}};
command const img2img_command{.name = "img2img",
                              .summary = "make a picture anew, after words",
                              .help = img2img_help,
                              .run = img2img,
                              .with_value = with_value(img2img_settings, own_options),
                              .flags = {"--json", "--zero-terminal-snr"}};

} // namespace sfumato
