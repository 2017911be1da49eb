#include "cli/request_options.h"

#include "cli/recipe.h"
#include "models/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>

namespace sfumato {

using nlohmann::json;

namespace {

template <class T> std::optional<T> number_in(std::string const& text) {
    T number{};
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    bool const whole = status == std::errc() && end == text.data() + text.size();
    return whole && std::isfinite(double(number)) ? std::optional(number) : std::nullopt;
}

// What is no number stays a text: the request's own check then says what it must be.
json value_of(options const& given, request_option const& o) {
    std::string const text = given.value(o.option);
    switch (o.is) {
    case request_option::text: return text;
    case request_option::whole:
        if (auto const number = number_in<std::int64_t>(text)) return *number;
        return text;
    case request_option::real:
        if (auto const number = number_in<double>(text)) return *number;
        return text;
    case request_option::flag: break;
    }
    return true;
}

// A value that stands in the command line is a mistake in the command line.
request checked(json const& object, options const& given, std::span<request_option const> known,
                std::vector<std::string>& unknown) try {
    return request_from_json(object, &unknown);
} catch (request_error const& e) {
    auto const found = std::ranges::find(known, e.key, &request_option::key);
    if (found == known.end() || !given.has(found->option)) throw;
    std::string const text = given.value(found->option);
    bool const is_number = object.at(e.key).is_number();
    throw usage_error(std::format("{} {}, not {}", found->option, e.rule, is_number ? text : json_show(text)));
}

} // namespace

request request_of(options const& given, std::string_view operation, std::span<request_option const> known,
                   progress_line& line) {
    json object{{"sfumato", request::version}};
    if (given.has("--recipe")) object = json_parse(read_recipe(given.value("--recipe")), given.value("--recipe"));
    if (object.is_object()) {
        object["operation"] = operation;
        for (request_option const& o : known)
            if (given.has(o.option)) object[o.key] = value_of(given, o);
    }
    std::vector<std::string> unknown;
    request r = resolve(checked(object, given, known, unknown));
    for (std::string const& key : unknown) line.warn(std::format("the request's \"{}\" is not known here", key));
    return r;
}

std::vector<std::string_view> with_value(std::span<request_option const> known, std::vector<std::string_view> more) {
    more.push_back("--recipe");
    for (request_option const& o : known)
        if (o.is != request_option::flag) more.push_back(o.option);
    return more;
}

} // namespace sfumato
