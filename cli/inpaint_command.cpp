#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/request_options.h"
#include "compute/error.h"
#include "engine/jobs.h"
#include "pictures/recipe.h"
#include "pictures/result.h"
#include "request/context.h"
#include "request/json.h"
#include "request/memory_client.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace sfumato {

using nlohmann::json;

namespace {

// A request that names its area (a recipe does) sees exactly that; otherwise its context decides.
rect choose_area(request const& r, rect const& selected, picture_file const& file) {
    if (r.area.empty()) return context_box(selected, file.width(), file.height(), r.context);
    if (intersect(r.area, {0, 0, file.width(), file.height()}) != r.area)
        fail("The request's \"area\" does not lie inside the picture ({} × {}); remove it from the request.",
             file.width(), file.height());
    if (intersect(r.area, selected) != selected)
        fail("The mask selects pixels outside the request's \"area\"; remove it from the request.");
    return r.area;
}

int inpaint_file(options const& given) {
    if (given.files.size() != 1) throw usage_error("inpaint takes exactly one picture");
    if (!given.has("--mask")) throw usage_error("inpaint needs --mask MASK");
    if (!given.has("-o")) throw usage_error("inpaint needs -o OUT");
    std::string const in = given.files.front(), out = given.value("-o");
    cancel_on_interrupt();

    progress_line line(given.has("--json"));
    request r = request_of(given, operation::inpaint, line);
    plain_colour const background = given.background();
    check_can_write(out);
    check_differ(in, out);
    check_differ(given.value("--mask"), out);

    line.show({.stage = say("read {}", in)});
    picture_file file(in, [&](std::string const& text) { line.warn(text); });
    check_can_write(out, {file.width(), file.height(), file.bytes_per_pixel()});
    mask selection = read_mask(given.value("--mask"), file.width(), file.height());
    rect const selected = bounds(selection);
    if (selected.empty()) fail("The mask {} selects nothing; paint white what is to be filled.", given.value("--mask"));
    r.area = choose_area(r, selected, file);
    selection = crop(selection, r.area);

    auto const start = std::chrono::steady_clock::now();
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    memory_client client;
    picture& context = client.pictures["picture"] = file.crop(r.area);
    make_unknown_transparent(context);
    client.masks["selection"] = std::move(selection);
    bool const done = open_jobs(given.value("--device")).run(client.input(r), client, j);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    if (!done) {
        line.finish("cancelled", {{"type", "cancelled"}});
        return exit_code::cancelled;
    }

    json const recipe = request_to_json(r);
    for (run_result const& made : client.results)
        file.paste(r.area.x + made.x, r.area.y + made.y, made.picture, made.mask);
    write_result(file, out, {{recipe_keyword, json_line(recipe)}}, background);
    line.finish(std::format("{}: filled in {:.2f} s, seed {}", out, seconds.count(), r.seed),
                {{"type", "result"}, {"output", out}, {"seconds", seconds.count()}, {"request", recipe}});
    return exit_code::ok;
}

std::vector<help_option> help_of_options() {
    std::vector<help_option> all = options_help(operation::inpaint);
    all.insert(all.begin(),
               {{"--mask MASK", "a picture of the same size: white is filled, black kept, grey in between; "
                                "transparent parts are kept; a picture of one colour counts by its alpha"},
                {"-o OUT", "the file to write; a PNG keeps the request as its comment"}});
    all.insert(all.end(), {background_help,
                           device_help,
                           {"--json", "progress, result and error on standard output, one JSON object a line"}});
    return all;
}

std::string const help = help_text(
    {.example = "sfumato inpaint photo.png --mask wires.png -o clean.png",
     .usage = "sfumato inpaint IN --mask MASK -o OUT [OPTION…]",
     .about = "Fills the part of the picture IN that MASK selects, and writes the picture to OUT. Every other pixel "
              "stays as it is.\n"
              "PNG, JPEG, TIFF, WebP and OpenEXR are read by their content and written by OUT's name. Depth and colour "
              "profile are kept where the format can (JPEG and WebP are lossy and 8-bit), and what IN says beside its "
              "pixels (EXIF, XMP, IPTC, resolution). MASK lies on the pixels as they are stored, before EXIF's "
              "orientation turns them.",
     .options = help_of_options(),
     .end = exit_codes_help});

} // namespace

command const inpaint_command{
    .name = "inpaint",
    .summary = "fill the masked part of a picture from its surroundings",
    .help = help,
    .run = inpaint_file,
    .with_value = options_with_value(operation::inpaint, {"--mask", "-o", "--background", "--device"}),
    .flags = options_without_value(operation::inpaint, {"--json"}),
};

} // namespace sfumato
