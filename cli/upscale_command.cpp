// Enlarging picture files, one or a folder of them.
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/request_options.h"
#include "compute/device.h"
#include "compute/error.h"
#include "engine/jobs.h"
#include "pictures/recipe.h"
#include "pictures/result.h"
#include "request/json.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <format>
#include <new>
#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct file_pair {
    std::string in, out;
};

struct folder_files {
    std::vector<file_pair> pairs;
    std::size_t passed_over = 0; // visible files whose names are no picture's
};

// Every picture of a folder, in the order of their names, under the same name in another.
folder_files files_of_folder(fs::path const& folder, fs::path const& out) try {
    folder_files files;
    for (fs::directory_entry const& entry : fs::directory_iterator(folder)) {
        std::string const name = entry.path().filename().string();
        std::error_code unreadable;
        if (!entry.is_regular_file(unreadable) && !unreadable) continue;
        if (!unreadable && has_picture_name(name))
            files.pairs.push_back({entry.path().string(), (out / name).string()});
        else if (!name.starts_with('.'))
            ++files.passed_over;
    }
    std::ranges::sort(files.pairs, {}, &file_pair::in);
    if (files.pairs.empty()) fail("There is no picture in the folder {}.", folder.string());
    fs::path const source = fs::canonical(folder);
    auto const lands_there = [&](file_pair const& p) { return fs::weakly_canonical(p.out).parent_path() == source; };
    if (std::ranges::any_of(files.pairs, lands_there))
        fail("The results cannot be written over the pictures in {}; name another folder with -o.", folder.string());
    return files;
} catch (fs::filesystem_error const& e) {
    fail("The folder {} cannot be read: {}.", e.path1().string(), e.code().message());
}

void make_folder(fs::path const& out) {
    std::error_code failed;
    fs::create_directories(out, failed);
    if (failed) fail("The folder {} cannot be made: {}. Name another one with -o.", out.string(), failed.message());
}

void check_arguments(options const& given) {
    if (given.files.size() != 1) throw usage_error("upscale takes exactly one picture, or a folder of them");
    if (!given.has("-o")) throw usage_error("upscale needs -o OUT");
}

// Reads from one file and writes into the other, part by part.
struct files_client final : run_client {
    picture_file const& from;
    picture_file& made;
    std::string const& name; // of `from`
    progress_line& line;

    files_client(picture_file const& from, picture_file& made, std::string const& name, progress_line& line)
        : from(from), made(made), name(name), line(line) {}
    std::optional<picture> read_picture(std::string_view, rect const& area) override {
        return finite_crop(from, area, name);
    }
    std::optional<mask> read_mask(std::string_view, rect const&) override { return std::nullopt; } // there is none
    void take(run_result r) override { made.write_pixels(r.x, r.y, r.picture); }
    void planned(run_plan const& plan) override { line.plan(plan); }
    void warn(sentence const& s) override { line.warn(s.text()); }
};

// False: cancelled.
bool upscale_file(file_pair const& files, request const& r, plain_colour const& background, engine_jobs const& engine,
                  progress_line& line, job const& j) {
    line.show({.stage = say("read {}", files.in)});
    check_differ(files.in, files.out);
    picture_file const file(files.in, [&](std::string const& text) { line.warn(text); });
    int const width = upscaled(file.width(), r.upscale.scale), height = upscaled(file.height(), r.upscale.scale);
    check_can_write(files.out, {width, height, file.bytes_per_pixel()});
    picture_file made(file, width, height);
    run_input const in{.request = r, .pictures = {{"picture", file.width(), file.height()}}};
    check_pictures(in);
    files_client client(file, made, files.in, line);
    auto const start = std::chrono::steady_clock::now();
    if (!engine.run(in, client, j)) return false;
    json const recipe = request_to_json(r);
    write_result(made, files.out, {{recipe_keyword, json_line(recipe)}}, background);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    line.finish(std::format("{}: {} × {} pixels in {:.1f} s", files.out, made.width(), made.height(), seconds.count()),
                {{"type", "result"}, {"output", files.out}, {"seconds", seconds.count()}, {"request", recipe}});
    return true;
}

// Whoever names a network that enlarges four times, and no scale, expects four times; and another scale than a recipe's
// may need another one of our networks.
request upscale_request(options const& given, engine_jobs const& engine, progress_line& line) {
    request r = request_of(given, operation::upscale, line);
    bool const has_scale = given.has("--scale"), has_model = given.has("--model");
    if (has_scale && !has_model && r.upscale.model.starts_with("sfumato:")) {
        r.upscale.model.clear();
        r = resolve(r);
    }
    model_summary const model = engine.open_upscaler(r.upscale.model); // before anything is read or made
    if (!has_scale && has_model && !given.has("--recipe")) r.upscale.scale = model.factor;
    return r;
}

std::string with_name(std::string const& message, std::string const& name) {
    return message.find(name) == message.npos ? name + ": " + message : message;
}

// Those that cannot be enlarged are warned of, and the others done all the same.
int upscale_folder(std::vector<file_pair> const& pairs, request const& r, plain_colour const& background,
                   engine_jobs const& engine, progress_line& line, job const& j) {
    std::size_t failed = 0;
    for (file_pair const& files : pairs) try {
            if (!upscale_file(files, r, background, engine, line, j)) return exit_code::cancelled;
        } catch (device_lost const&) {
            throw; // no other picture would fare better
        } catch (error const& e) {
            line.warn(with_name(e.what(), files.in));
            ++failed;
        } catch (fs::filesystem_error const& e) {
            line.warn(std::format("{}: {}", files.in, e.code().message()));
            ++failed;
        } catch (std::bad_alloc const&) {
            line.warn(files.in + ": there is not enough memory for it");
            ++failed;
        }
    if (failed) fail("{} of {} pictures could not be enlarged.", failed, pairs.size());
    return exit_code::ok;
}

int upscale_pictures(options const& given, request const& r, engine_jobs const& engine, progress_line& line) {
    std::string const in = given.files.front(), out = given.value("-o");
    plain_colour const background = given.background();
    job const j{.report = [&](progress const& p) { line.show(p); }, .cancelled = &interrupted()};
    std::error_code none;
    if (!fs::is_directory(in, none)) {
        check_can_write(out);
        return upscale_file({in, out}, r, background, engine, line, j) ? exit_code::ok : exit_code::cancelled;
    }
    folder_files const files = files_of_folder(in, out);
    engine.open_device(); // what is wrong with it is said before the folder is gone through
    make_folder(out);
    if (files.passed_over == 1) line.warn("1 file that is no picture Sfumato reads was passed over");
    if (files.passed_over > 1)
        line.warn(std::format("{} files that are no pictures Sfumato reads were passed over", files.passed_over));
    return upscale_folder(files.pairs, r, background, engine, line, j);
}

int upscale_files(options const& given) {
    check_arguments(given);
    cancel_on_interrupt();
    progress_line line(given.has("--json"));
    engine_jobs const engine = open_jobs(given.value("--device"));
    int const code = upscale_pictures(given, upscale_request(given, engine, line), engine, line);
    if (code == exit_code::cancelled) line.finish("cancelled", {{"type", "cancelled"}});
    return code;
}

std::vector<help_option> help_of_options() {
    std::vector<help_option> all = options_help(operation::upscale);
    all.insert(all.begin(), {"-o OUT", "the file, or the folder, to write; a PNG keeps the request as its comment"});
    all.insert(all.end(), {background_help,
                           device_help,
                           {"--json", "plan, progress, result and error on standard output, one JSON object a line"}});
    return all;
}

std::string const help = help_text(
    {.example = "sfumato upscale photo.jpg -o large.png --scale 3",
     .usage = "sfumato upscale IN -o OUT [OPTION…]",
     .about =
         "Enlarges the picture IN with a network and writes it to OUT, in IN's depth and colour profile where OUT's "
         "format has them: PNG, JPEG, TIFF, WebP or OpenEXR. What IN says beside its pixels (EXIF, XMP, IPTC, "
         "resolution) goes along, except to OpenEXR, which has no such thing: there the pixels are turned "
         "upright.\n"
         "Of a folder IN, every picture goes to the folder OUT, and one that cannot be read is passed over.",
     .options = help_of_options(),
     .end = exit_codes_help});

} // namespace

command const upscale_command{
    .name = "upscale",
    .summary = "enlarge or restore a picture, or a folder of them",
    .help = help,
    .run = upscale_files,
    .with_value = options_with_value(operation::upscale, {"-o", "--background", "--device"}),
    .flags = options_without_value(operation::upscale, {"--json"}),
};

} // namespace sfumato
