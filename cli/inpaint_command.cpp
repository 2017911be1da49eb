#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/picture_file.h"
#include "cli/progress_line.h"
#include "cli/recipe.h"
#include "cli/request_options.h"
#include "compute/error.h"
#include "models/json.h"
#include "models/pipelines/context.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace sfumato {

using nlohmann::json;

namespace {

constexpr request_option settings[] = {
    {"--method", "method", request_option::text},
    {"--context", "context", request_option::text},
    {"--seed", "seed", request_option::whole},
};

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
    request r = request_of(given, "inpaint", settings, line);
    check_can_write(out);
    check_differ(in, out);
    check_differ(given.value("--mask"), out);

    line.show({.stage = "read " + in});
    picture_file file(in, [&](std::string const& text) { line.warn(text); });
    mask selection = read_mask(given.value("--mask"), file.width(), file.height());
    rect const selected = bounds(selection);
    if (selected.empty()) fail("The mask {} selects nothing; paint white what is to be filled.", given.value("--mask"));
    r.area = choose_area(r, selected, file);
    selection = crop(selection, r.area);

    auto const start = std::chrono::steady_clock::now();
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    auto const result = open_device_job(given.value("--device"))(
        {.request = r, .picture = finite_crop(file, r.area, in), .selection = selection}, j);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    if (!result || interrupted()) {
        line.finish("cancelled", {{"type", "cancelled"}});
        return exit_code::cancelled;
    }

    json const recipe = request_to_json(r);
    file.paste(r.area.x + result->x, r.area.y + result->y, result->filled, result->composite);
    file.write(out, {{recipe_keyword, json_line(recipe)}});
    line.finish(std::format("{}: filled in {:.2f} s, seed {}", out, seconds.count(), r.seed),
                {{"type", "result"}, {"output", out}, {"seconds", seconds.count()}, {"request", recipe}});
    return exit_code::ok;
}

} // namespace

command const inpaint_command{
    .name = "inpaint",
    .summary = "fill the masked part of a picture from its surroundings",
    .help =
        "Usage: sfumato inpaint IN --mask MASK -o OUT [OPTION…]\n\n"
        "Fills the part of the picture IN that MASK selects, and writes the picture to OUT. Every other pixel stays as "
        "it\n"
        "is. PNG, JPEG, TIFF, WebP and OpenEXR are read by their content and written by OUT's name; depth and colour\n"
        "profile are kept where the format can (JPEG and WebP are lossy and 8-bit), and what IN says beside its pixels "
        "(EXIF,\n"
        "XMP, IPTC, resolution). MASK lies on the pixels as they are stored, before EXIF's orientation turns them.\n\n"
        "  --mask MASK      a picture of the same size: white is filled, black kept, grey in between; transparent "
        "parts\n"
        "                   are kept; a picture of one colour counts by its alpha\n"
        "  -o OUT           the file to write; a PNG keeps the request as its comment\n"
        "  --method NAME    patchmatch: texture from the picture itself\n"
        "  --seed N         0 to 4294967295; the same seed on the same GPU gives the same pixels (default: random)\n"
        "  --context NAME   what the fill sees: automatic (default), image or selection\n"
        "  --recipe FILE    a PNG that an earlier run wrote, or its JSON; the options above win\n"
        "  --device NAME    the GPU: its number in `sfumato devices`, or a part of its name\n"
        "  --json           progress, result and error on standard output, one JSON object a line\n\n"
        "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 cancelled with Ctrl-C.\n",
    .run = inpaint_file,
    .with_value = with_value(settings, {"--mask", "-o", "--device"}),
    .flags = {"--json"},
};

} // namespace sfumato
