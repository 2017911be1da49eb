#include "cli/commands.h"
#include "request/names.h"

#include <algorithm>
#include <charconv>
#include <format>

namespace sfumato {

std::string options::value(std::string_view name, std::string_view otherwise) const {
    auto const found = values.find(name);
    return found == values.end() ? std::string(otherwise) : found->second;
}

std::int64_t options::number(std::string_view name, std::int64_t least, std::int64_t most,
                             std::int64_t otherwise) const {
    auto const found = values.find(name);
    if (found == values.end()) return otherwise;
    std::string const& text = found->second;
    std::int64_t number = 0;
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc() || end != text.data() + text.size() || number < least || number > most)
        throw usage_error(std::format("{} must be a whole number from {} to {}, not \"{}\"", name, least, most, text));
    return number;
}

std::optional<dtype> options::precision() const {
    if (!has("--dtype")) return {};
    auto const type = find_choice<dtype>(value("--dtype"));
    if (!type) throw usage_error(std::format("--dtype must be fp32, fp16 or bf16, not \"{}\"", value("--dtype")));
    return type;
}

std::array<float, 3> options::background() const {
    std::string const text = value("--background", "white");
    if (text == "white") return {1, 1, 1};
    if (text == "black") return {0, 0, 0};
    unsigned number = 0;
    auto const [end, status] =
        std::from_chars(text.data() + std::min<std::size_t>(1, text.size()), text.data() + text.size(), number, 16);
    if (text.size() != 7 || text[0] != '#' || status != std::errc() || end != text.data() + text.size())
        throw usage_error(std::format("--background must be white, black or #RRGGBB, not \"{}\"", text));
    auto const part = [&](int shift) { return float(number >> shift & 255) / 255; };
    return {part(16), part(8), part(0)};
}

options parse_options(std::span<std::string const> arguments, std::span<std::string_view const> with_value,
                      std::span<std::string_view const> repeatable, std::span<std::string_view const> flags) {
    options parsed;
    bool only_files = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string const& argument = arguments[i];
        if (only_files || argument.size() < 2 || argument[0] != '-') {
            parsed.files.push_back(argument);
            continue;
        }
        if (argument == "--") {
            only_files = true;
            continue;
        }
        auto const equals = argument.starts_with("--") ? argument.find('=') : argument.npos;
        std::string const name = argument.substr(0, equals);
        auto const is_in = [&](std::span<std::string_view const> names) {
            return std::ranges::find(names, name) != names.end();
        };
        if (!is_in(flags) && !is_in(with_value)) throw usage_error(std::format("unknown option {}", name));
        if (parsed.has(name) && !is_in(repeatable)) throw usage_error(std::format("{} is given twice", name));
        if (is_in(flags)) {
            if (equals != argument.npos) throw usage_error(std::format("{} takes no value", name));
            parsed.values[name] = "";
            continue;
        }
        if (equals == argument.npos && i + 1 == arguments.size())
            throw usage_error(std::format("{} needs a value", name));
        std::string const value = equals == argument.npos ? arguments[++i] : argument.substr(equals + 1);
        if (is_in(repeatable))
            parsed.lists[name].push_back(value);
        else
            parsed.values[name] = value;
    }
    return parsed;
}

} // namespace sfumato
