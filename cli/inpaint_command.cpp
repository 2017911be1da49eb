#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/picture_batch.h"
#include "cli/progress_line.h"
#include "cli/request_options.h"
#include "compute/error.h"
#include "engine/jobs.h"
#include "pictures/recipe.h"
#include "pictures/result.h"
#include "request/context.h"
#include "request/fields.h"
#include "request/json.h"
#include "request/memory_client.h"
#include "request/names.h"

#include <cstdio>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <unistd.h>

namespace sfumato {

using nlohmann::json;

namespace {

// A request that names its area (a recipe does) sees exactly that; otherwise its context decides.
rect choose_area(request const& r, rect const& selected, picture_file const& file) {
    if (r.area.empty()) return context_box(r, selected, file.width(), file.height());
    if (intersect(r.area, {0, 0, file.width(), file.height()}) != r.area)
        fail("The request's \"area\" does not lie inside the picture ({} × {}); remove it from the request.",
             file.width(), file.height());
    if (intersect(r.area, selected) != selected)
        fail("The mask selects pixels outside the request's \"area\"; remove it from the request.");
    return r.area;
}

// A recipe may name the model or the method; then the run says what is missing.
void check_options(options const& given) {
    if (given.has("--recipe")) return;
    auto const method = find_choice<sfumato::method>(given.value("--method"));
    for (field const* f : fields_of(operation::inpaint)) {
        if (!f->of_diffusion || f->option.empty() || !given.has(f->option_name())) continue;
        if (method == method::lama && f->key == "model") continue;
        if (method && method != method::diffusion)
            throw usage_error(std::format("{} is not for --method {}", f->option_name(), name_of(*method)));
        if (!given.has("--model")) throw usage_error(std::format("{} needs --model MODEL", f->option_name()));
    }
    if (method == method::diffusion && !given.has("--model"))
        throw usage_error("--method diffusion needs --model MODEL");
}

// "with patches", "by LaMa (big-lama.pt)", "by v1-5-pruned.safetensors"
std::string filler_in_words(request const& made) {
    std::string const& model = made.diffusion.model;
    std::string const file = model.substr(model.find_last_of('/', model.size() - 2) + 1); // or a folder
    if (by_lama(made)) return std::format("by LaMa ({})", file);
    return by_diffusion(made) ? "by " + file : "with patches";
}

// Tells the plan and warnings, and writes the picture, filled once for each result.
struct inpaint_client final : memory_client {
    progress_line& line;
    std::string const in;
    std::optional<picture_file> file; // nothing was pasted into it yet
    picture_batch& batch;

    inpaint_client(progress_line& line, std::string in, picture_file file, picture_batch& batch)
        : line(line), in(std::move(in)), file(std::move(file)), batch(batch) {}
    void take(run_result made) override {
        if (!file) file.emplace(in);
        request const& r = made.recipe;
        file->paste(r.area.x + made.x, r.area.y + made.y, made.picture, made.mask, colours_of(r));
        batch.write(*file, {{recipe_keyword, json_line(request_to_json(r))}}, r);
        file.reset();
    }
    void planned(run_plan const& plan) override { line.plan(plan); }
    void warn(sentence const& s) override { line.warn(s.text()); }
};

int inpaint_file(options const& given) {
    if (given.files.size() != 1) throw usage_error("inpaint takes exactly one picture");
    if (!given.has("--mask")) throw usage_error("inpaint needs --mask MASK");
    if (!given.has("-o")) throw usage_error("inpaint needs -o OUT");
    std::string const in = given.files.front();
    check_options(given);
    cancel_on_interrupt();

    progress_line line(given.has("--json"));
    request r = request_of(given, operation::inpaint, line);
    line.show({.stage = say("read {}", in)});
    picture_file file(in, [&](std::string const& text) { line.warn(text); });
    picture_batch batch(given.value("-o"), r.diffusion.batch, {file.width(), file.height(), file.bytes_per_pixel()},
                        given.background(), line);
    for (std::string const& name : batch.names()) {
        check_differ(in, name);
        check_differ(given.value("--mask"), name);
    }
    mask selection = read_mask(given.value("--mask"), file.width(), file.height());
    rect const selected = bounds(selection);
    if (selected.empty()) fail("The mask {} selects nothing; paint white what is to be filled.", given.value("--mask"));
    r.area = choose_area(r, selected, file);

    auto const start = std::chrono::steady_clock::now();
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    picture context = file.crop(r.area, colours_of(r));
    make_unknown_transparent(context);
    inpaint_client client(line, in, std::move(file), batch);
    client.pictures["picture"] = std::move(context);
    client.masks["selection"] = crop(selection, r.area);
    selection = mask(); // of a large picture it is large, too
    run_input in_run = client.input(r);
    in_run.nearest = given.has("--nearest");
    bool const done = open_jobs(given.value("--device")).run(in_run, client, j);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    if (!done) {
        line.finish(batch.cancelled(), {{"type", "cancelled"}});
        return exit_code::cancelled;
    }
    batch.check_all_written();
    std::vector<std::string> const& names = batch.names();
    std::string const more = names.size() > 1 ? std::format(" and {} more", names.size() - 1) : "";
    json told{{"type", "result"}, {"seconds", seconds.count()}, {"request", request_to_json(batch.recipe())}};
    if (names.size() == 1) told["output"] = names.front();
    told["outputs"] = names;
    line.finish(std::format("{}{}: filled {} in {:.2f} s, seed {}", names.front(), more,
                            filler_in_words(batch.recipe()), seconds.count(), r.seed),
                told);
    return exit_code::ok;
}

std::vector<help_option> help_of_options() {
    std::vector<help_option> all = options_help(operation::inpaint);
    all.insert(all.begin(),
               {{"--mask MASK", "a picture of the same size: white is filled, black kept, grey in between; "
                                "transparent parts are kept; a picture of one colour counts by its alpha"},
                {"-o OUT", "the file to write; a PNG keeps the request as its comment"}});
    all.insert(all.end(),
               {background_help,
                device_help,
                {"--nearest", "if a recipe's tile of the VAE does not fit the memory, the nearest that does"},
                {"--json", "plan, progress, result and error on standard output, one JSON object a line"}});
    return all;
}

std::string const help = help_text(
    {.example = "sfumato inpaint photo.png --mask wires.png -o clean.png",
     .usage = "sfumato inpaint IN --mask MASK -o OUT [OPTION…]",
     .about =
         "Fills the part of the picture IN that MASK selects, and writes the picture to OUT. Without --model a LaMa "
         "or MI-GAN that is found on this machine goes on with what is around, and patches give it detail; where "
         "none is found, patches of the surroundings alone fill it (--method patchmatch). With --model it is made "
         "anew, after the words of --prompt, and blends in up to --edge pixels beyond what MASK selects. Every other "
         "pixel stays as it is.\n"
         "PNG, JPEG, TIFF, WebP and OpenEXR are read by their content and written by OUT's name. Depth and colour "
         "profile are kept where the format can (JPEG and WebP are lossy and 8-bit), and what IN says beside its "
         "pixels (EXIF, XMP, IPTC, resolution). MASK lies on the pixels as they are stored, before EXIF's "
         "orientation turns them.",
     .options = help_of_options(),
     .end = exit_codes_help});

} // namespace

command const inpaint_command{
    .name = "inpaint",
    .summary = "fill the masked part of a picture, from its surroundings or with a Stable Diffusion model",
    .help = help,
    .run = inpaint_file,
    .with_value = options_with_value(operation::inpaint, {"--mask", "-o", "--background", "--device"}),
    .repeatable = repeatable_options(operation::inpaint),
    .flags = options_without_value(operation::inpaint, {"--json", "--nearest"}),
};

} // namespace sfumato
