// The sub-commands of `sfumato`, one file each. Each takes what follows its name and returns the exit code.
#pragma once

#include "compute/tensor.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
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
    std::map<std::string, std::string, std::less<>> values;             // "--seed" → "42"; flags → ""
    std::map<std::string, std::vector<std::string>, std::less<>> lists; // of those that may be given again
    std::vector<std::string> files;

    bool has(std::string_view name) const { return values.contains(name) || lists.contains(name); }
    std::string value(std::string_view name, std::string_view otherwise = "") const;
    /// A whole number within [least, most]; throws usage_error.
    std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most, std::int64_t otherwise) const;
    /// --dtype fp32|fp16|bf16, if it is given; throws usage_error.
    std::optional<dtype> precision() const;
    /// --background COLOUR: white, black or #RRGGBB (white, if it is not given), as red, green and blue from 0 to 1;
    /// throws usage_error.
    std::array<float, 3> background() const;
};

/// Splits `arguments` by the names that a command knows: those in `with_value` take one (--name VALUE or --name=VALUE),
/// of which those in `repeatable` may be given again; `flags` none. Everything after `--` is a file. Throws
/// usage_error.
options parse_options(std::span<std::string const> arguments, std::span<std::string_view const> with_value,
                      std::span<std::string_view const> repeatable, std::span<std::string_view const> flags);

struct command {
    std::string_view name, summary, help;
    int (*run)(options const&);
    std::vector<std::string_view> with_value, repeatable{}, flags{};
};

extern command const bench_command, devices_command, eval_command, img2img_command, inpaint_command, models_command,
    serve_command, txt2img_command, upscale_command;

} // namespace sfumato
