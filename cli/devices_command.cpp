#include "cli/commands.h"
#include "compute/device.h"
#include "models/json.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

int devices(options const& given) {
    if (!given.files.empty()) throw usage_error("devices takes no file");
    std::size_t number = 0;
    auto const all = list_devices();
    for (device_info const& d : all) {
        std::string line;
        if (given.has("--json"))
            line = json_line({{"number", number},
                              {"name", d.name},
                              {"driver", d.driver},
                              {"kind", d.kind},
                              {"vulkan", d.api},
                              {"memory_bytes", d.memory_bytes},
                              {"usable", d.missing.empty()},
                              {"missing", d.missing}});
        else {
            line = std::format("{}  {} ({}), {}, Vulkan {}, {:.1f} GiB", number, d.name, d.kind, d.driver, d.api,
                               double(d.memory_bytes) / (1 << 30));
            for (std::size_t i = 0; i < d.missing.size(); ++i)
                line += (i ? ", " : "; not usable, it lacks ") + d.missing[i];
        }
        std::printf("%s\n", line.c_str());
        ++number;
    }
    if (all.empty()) fail("No Vulkan device was found; install the Vulkan driver of your GPU.");
    return exit_code::ok;
}

} // namespace

command const devices_command{
    .name = "devices",
    .summary = "list the GPUs that Vulkan offers, the best first",
    .help = "Usage: sfumato devices [--json]\n\n"
            "Lists the GPUs that Vulkan offers, the best first: the first usable one does the work unless --device or\n"
            "SFUMATO_DEVICE names another by its number or a part of its name.\n\n"
            "  --json  one JSON object a line\n",
    .run = devices,
    .flags = {"--json"},
};

} // namespace sfumato
