// The sub-commands of `sfumato`, one file each. Each takes what follows its name and returns the exit code.
#pragma once

#include "cli/worker.h"
#include "models/pipelines/generate.h"
#include "models/pipelines/upscale.h"

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct exit_code {
    static constexpr int ok = 0, failed = 1, usage = 2, cancelled = 3;
};

/// The command line itself is wrong: exit code 2, and a pointer to --help.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What a command line said.
struct options {
    std::map<std::string, std::string, std::less<>> values; // "--seed" → "42"; flags → ""
    std::vector<std::string> files;

    bool has(std::string_view name) const { return values.contains(name); }
    std::string value(std::string_view name, std::string_view otherwise = "") const;
    /// A whole number within [least, most]; throws usage_error.
    std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most, std::int64_t otherwise) const;
    /// --dtype fp32|fp16|bf16, if it is given; throws usage_error.
    std::optional<dtype> precision() const;
};

/// Splits `arguments` by the names that a command knows: those in `with_value` take one (--name VALUE or --name=VALUE),
/// `flags` none. Everything after `--` is a file. Throws usage_error.
options parse_options(std::span<std::string const> arguments, std::span<std::string_view const> with_value,
                      std::span<std::string_view const> flags);

struct command {
    std::string_view name, summary, help;
    int (*run)(options const&);
    std::vector<std::string_view> with_value, flags;
};

extern command const bench_command, devices_command, eval_command, img2img_command, inpaint_command, models_command,
    serve_command, txt2img_command, upscale_command;

/// The work itself, on the chosen device ("" = the best), which is opened by the first job and stays open.
run_job open_device_job(std::string device_choice);

/// txt2img and img2img on the chosen device; the model stays open between calls.
using run_generate = std::function<std::optional<std::vector<picture>>(request const&, picture const* from, job const&,
                                                                       generate_watch const&)>;
run_generate open_generate_job(std::string device_choice);

/// The upscale of one part on the chosen device, which is opened now; the model stays open between calls.
using run_upscale = std::function<std::optional<run_result>(run_input const&, job const&,
                                                            std::function<void(upscale_plan const&)> const& planned)>;
run_upscale open_upscale_job(std::string device_choice);

} // namespace sfumato
