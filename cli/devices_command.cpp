#include "cli/commands.h"
#include "cli/help.h"
#include "compute/device.h"
#include "compute/self_check.h"
#include "request/json.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

// What its kernels were found to do, at its first use: now, if that has not been.
struct check_report {
    nlohmann::json json;
    std::string sentence;
};

check_report check_of(std::size_t number) try {
    device d(std::to_string(number));
    auto const r = self_check(d);
    return {{{"path", matrix_path_names[int(r.checked)]},
             {"used", matrix_path_names[int(d.target().matrix)]},
             {"wrong", r.wrong},
             {"wrong_even_scalar", r.wrong_even_scalar}},
            r.sentence()};
} catch (error const& e) {
    return {{{"error", e.what()}}, e.what()};
}

int devices(options const& given) {
    if (!given.files.empty()) throw usage_error("devices takes no file");
    std::size_t number = 0;
    auto const all = list_devices();
    for (device_info const& d : all) {
        std::string line;
        check_report const check = d.missing.empty() ? check_of(number) : check_report{};
        if (given.has("--json"))
            line = json_line({{"number", number},
                              {"name", d.name},
                              {"driver", d.driver},
                              {"kind", d.kind},
                              {"vulkan", d.api},
                              {"memory_bytes", d.memory_bytes},
                              {"usable", d.missing.empty()},
                              {"missing", d.missing},
                              {"self_check", check.json}});
        else {
            line = std::format("{}  {} ({}), {}, Vulkan {}, {:.1f} GiB", number, d.name, d.kind, d.driver, d.api,
                               double(d.memory_bytes) / (1 << 30));
            for (std::size_t i = 0; i < d.missing.size(); ++i)
                line += (i ? ", " : "; not usable, it lacks ") + d.missing[i];
            if (!check.sentence.empty()) line += "; " + check.sentence;
        }
        std::printf("%s\n", line.c_str());
        ++number;
    }
    if (all.empty()) fail("No Vulkan device was found; install the Vulkan driver of your GPU.");
    return exit_code::ok;
}

std::string const help = help_text(
    {.example = "sfumato devices",
     .usage = "sfumato devices [--json]",
     .about =
         "Lists the GPUs that Vulkan offers, the best first: the first usable one does the work unless --device or "
         "SFUMATO_DEVICE names another by its number or a part of its name. A device computes a small known answer "
         "at its first use with a driver; where that is wrong, plainer kernels are used, and this list says so.",
     .options = {{"--json", "one JSON object a line"}}});

} // namespace

command const devices_command{
    .name = "devices",
    .summary = "list the GPUs that Vulkan offers, the best first",
    .help = help,
    .run = devices,
    .flags = {"--json"},
};

} // namespace sfumato
