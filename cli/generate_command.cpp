// txt2img and img2img: what the options say becomes a request, and its pictures become files.
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/picture_batch.h"
#include "cli/progress_line.h"
#include "cli/request_options.h"
#include "compute/error.h"
#include "engine/jobs.h"
#include "models/text/parameters.h"
#include "pictures/recipe.h"
#include "pictures/result.h"
#include "request/json.h"
#include "request/memory_client.h"
#include "request/names.h"
#include "request/samplers.h"

#include <chrono>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

namespace {

// As A1111 counts by default: those of the schedule, of which strength leaves its share.
int schedule_steps(request const& r) {
    diffusion_settings const& d = r.diffusion;
    bool const is_cut = r.operation == operation::img2img && d.strength_rule == strength_rule::full_steps;
    return is_cut ? int(d.steps / d.strength) : d.steps;
}

generation_parameters parameters_of(request const& r, picture const& made) {
    diffusion_settings const& d = r.diffusion;
    generation_parameters p{.prompt = prompt_with_loras(d),
                            .negative_prompt = d.negative_prompt,
                            .steps = schedule_steps(r),
                            .sampler = std::string(row_of(d.sampler).display),
                            .schedule_type =
                                std::string(row_of(d.scheduler.value_or(row_of(d.sampler).scheduler)).display),
                            .cfg_scale = float(d.cfg),
                            .seed = std::uint64_t(r.seed),
                            .width = made.width,
                            .height = made.height,
                            .model = std::filesystem::path(d.model).stem().string(),
                            .vae = std::filesystem::path(d.vae).filename().string(),
                            .clip_skip = d.clip_skip,
                            .rng = d.rng == generator::cpu ? "CPU" : ""};
    if (r.operation == operation::img2img) p.denoising_strength = float(d.strength);
    return p;
}

// Has the picture to begin with; tells the plan, and writes the pictures, and previews where they are wanted.
struct generate_client final : memory_client {
    progress_line& line;
    picture_batch& batch;
    std::string preview_path{};

    generate_client(progress_line& line, picture_batch& batch) : line(line), batch(batch) {}
    void take(run_result made) override {
        picture_file const file(made.picture, [&](std::string const& text) { line.warn(text); });
        batch.write(file,
                    {{"parameters", parameters_text(parameters_of(made.recipe, made.picture))},
                     {recipe_keyword, json_line(request_to_json(made.recipe))}},
                    made.recipe);
    }
    void planned(run_plan const& plan) override { line.plan(plan); }
    void warn(sentence const& s) override { line.warn(s.text()); }
    // A disk that is full of previews ends them, not the run.
    void preview(picture const& p) override {
        if (preview_path.empty()) return;
        try {
            picture_file(p).write(preview_path, {});
        } catch (std::exception const& e) {
            line.warn(std::format("{} There are no more previews.", e.what()));
            preview_path.clear();
        }
    }
};

run_input input_of(options const& given, request const& r, generate_client& client) {
    run_input in = client.input(r);
    if (given.has("--preview")) {
        in.previews = true;
        client.preview_path = given.value("--preview");
        check_can_write(client.preview_path);
    }
    in.nearest = given.has("--nearest");
    in.preview_model = given.value("--preview-model");
    if (!in.previews && given.has("--preview-model")) throw usage_error("--preview-model needs --preview FILE");
    return in;
}

int generate_files(options const& given, request const& r, std::optional<picture> from, progress_line& line) {
    result_size const size =
        from ? result_size{from->width, from->height} : result_size{r.diffusion.width, r.diffusion.height};
    picture_batch batch(given.value("-o"), r.diffusion.batch, size, given.background(), line);
    generate_client client(line, batch);
    if (from) client.pictures["picture"] = std::move(*from);
    run_input const in = input_of(given, r, client);
    check_pictures(in);
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    auto const start = std::chrono::steady_clock::now();
    bool const done = open_jobs(given.value("--device")).run(in, client, j);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    if (!done) {
        line.finish(batch.cancelled(), {{"type", "cancelled"}});
        return exit_code::cancelled;
    }
    batch.check_all_written();
    std::vector<std::string> const& names = batch.names();
    std::string const more = names.size() > 1 ? std::format("and {} more ", names.size() - 1) : "";
    std::string const by =
        r.diffusion.model.starts_with("sfumato:") ? ", by Sfumato's own model of icons and clip art" : "";
    line.finish(std::format("{}: {}made in {:.1f} s, seed {}{}", names[0], more, seconds.count(), r.seed, by),
                {{"type", "result"},
                 {"outputs", names},
                 {"seconds", seconds.count()},
                 {"request", request_to_json(batch.recipe())}});
    return exit_code::ok;
}

request prepare(options const& given, operation o, progress_line& line) {
    if (!given.has("-o")) throw usage_error(std::format("{} needs -o OUT", name_of(o)));
    cancel_on_interrupt();
    return request_of(given, o, line);
}

int txt2img(options const& given) {
    if (!given.files.empty()) throw usage_error("txt2img takes no picture; img2img does");
    progress_line line(given.has("--json"));
    return generate_files(given, prepare(given, operation::txt2img, line), std::nullopt, line);
}

int img2img(options const& given) {
    if (given.files.size() != 1) throw usage_error("img2img takes exactly one picture");
    progress_line line(given.has("--json"));
    request const r = prepare(given, operation::img2img, line);
    std::string const& in = given.files.front();
    line.show({.stage = say("read {}", in)});
    check_differ(in, given.value("-o"));
    picture_file const file = picture_file(in, [&](std::string const& text) { line.warn(text); }).upright();
    return generate_files(given, r, finite_crop(file, {0, 0, file.width(), file.height()}, in, colours_of(r)), line);
}

std::vector<std::string_view> with_value(operation o) {
    return options_with_value(o, {"-o", "--background", "--preview", "--preview-model", "--device"});
}
std::vector<std::string_view> flags(operation o) { return options_without_value(o, {"--json", "--nearest"}); }

std::vector<help_option> help_of(operation o) {
    std::vector<help_option> all = options_help(o);
    all.insert(all.begin(), {"-o OUT", "the file to write: PNG, JPEG, TIFF, WebP or OpenEXR"});
    all.insert(all.end(),
               {background_help,
                {"--preview FILE", "a small picture, written anew after each step"},
                {"--preview-model FILE", "TAESD: previews are as large as the picture (taesd_decoder.safetensors)"},
                device_help,
                {"--json", "plan, progress, result and error on standard output, one JSON object a line"}});
    return all;
}

std::string const txt2img_help =
    help_text({.example = "sfumato txt2img --model sd15.safetensors --prompt \"a lighthouse at dusk\" -o dusk.png",
               .usage = "sfumato txt2img -o OUT [--model MODEL] --prompt TEXT [OPTION…]",
               .about = "Makes a picture from words. A PNG carries the request and A1111's parameters text.",
               .options = help_of(operation::txt2img),
               .end = exit_codes_help});
std::string const img2img_help = help_text(
    {.example = "sfumato img2img sketch.png --model sd15.safetensors --prompt \"an oil painting\" -o painted.png",
     .usage = "sfumato img2img IN -o OUT [--model MODEL] --prompt TEXT [OPTION…]",
     .about = "Makes a picture anew, after the words; its size stays, its transparency too. A PNG carries the "
              "request and A1111's parameters text.",
     .options = help_of(operation::img2img),
     .end = exit_codes_help});

} // namespace

command const txt2img_command{.name = "txt2img",
                              .summary = "make a picture from words",
                              .help = txt2img_help,
                              .run = txt2img,
                              .with_value = with_value(operation::txt2img),
                              .repeatable = repeatable_options(operation::txt2img),
                              .flags = flags(operation::txt2img)};
command const img2img_command{.name = "img2img",
                              .summary = "make a picture anew, after words",
                              .help = img2img_help,
                              .run = img2img,
                              .with_value = with_value(operation::img2img),
                              .repeatable = repeatable_options(operation::img2img),
                              .flags = flags(operation::img2img)};

} // namespace sfumato
