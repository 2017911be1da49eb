// The `sfumato` executable: the command line, and the engine of the plug-in (`sfumato serve`).
#include "cli/commands.h"
#include "cli/help.h"
#include "compute/error.h"
#include "request/json.h"

#include <algorithm>
#include <cstdio>
#include <format>
#include <nlohmann/json.hpp>

using namespace sfumato;

namespace {

command const* const commands[] = {&inpaint_command, &txt2img_command, &img2img_command,
                                   &upscale_command, &models_command,  &devices_command,
                                   &bench_command,   &eval_command,    &serve_command};

void print(std::FILE* to, std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); }

std::string overview() {
    std::vector<help_option> all;
    for (command const* c : commands) all.push_back({std::string(c->name), std::string(c->summary)});
    all.insert(all.end(),
               {{"--help", "this page; `sfumato COMMAND --help` for a command's own"}, {"--version", "the version"}});
    return help_text({.example = "sfumato inpaint photo.png --mask wires.png -o clean.png",
                      .usage = "sfumato COMMAND [OPTION…]",
                      .about = "Repaints, reimagines, enlarges and invents pictures, on your own GPU.",
                      .options = all,
                      .end = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 cancelled with Ctrl-C.\n"
                             "SFUMATO_DEVICE chooses the GPU by number or part of its name, as --device does."});
}

command const* find_command(std::string_view name) {
    auto const found = std::ranges::find(commands, name, [](command const* c) { return c->name; });
    return found == std::end(commands) ? nullptr : *found;
}

void report(std::span<std::string const> arguments, std::string const& message) {
    if (std::ranges::find(arguments, "--json") != arguments.end())
        print(stdout, json_line({{"type", "error"}, {"message", message}}) + "\n");
    std::fprintf(stderr, "sfumato: %s\n", message.c_str());
}

int run(command const& c, std::span<std::string const> arguments) {
    std::vector<std::string_view> flags = c.flags;
    flags.insert(flags.end(), {"--help", "-h"});
    options const parsed = parse_options(arguments, c.with_value, c.repeatable, flags);
    if (!parsed.has("--help") && !parsed.has("-h")) return c.run(parsed);
    print(stdout, c.help);
    return exit_code::ok;
}

int run(std::span<std::string const> arguments) {
    if (arguments.empty()) throw usage_error("a command is missing");
    std::string const& first = arguments.front();
    if (first == "--help" || first == "-h") {
        print(stdout, overview());
        return exit_code::ok;
    }
    if (first == "--version") {
        print(stdout, "sfumato " SFUMATO_VERSION "\n");
        return exit_code::ok;
    }
    command const* const found = find_command(first);
    if (!found) throw usage_error(std::format("there is no command \"{}\"", first));
    return run(*found, arguments.subspan(1));
}

} // namespace

int main(int count, char** values) {
    std::vector<std::string> const arguments(values + std::min(count, 1), values + count);
    try {
        int const code = run(arguments);
        if (std::fflush(stdout) != 0) fail("The output cannot be written.");
        return code;
    } catch (usage_error const& e) {
        command const* const c = arguments.empty() ? nullptr : find_command(arguments.front());
        report(arguments, std::format("{}; see sfumato {}--help", e.what(), c ? std::string(c->name) + " " : ""));
        return exit_code::usage;
    } catch (std::exception const& e) {
        report(arguments, e.what());
        return exit_code::failed;
    }
}
