#include "request/json.h"

#include "compute/error.h"

#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

json json_parse(std::string_view text, std::string_view what) {
    auto const limit_depth = [&](int depth, json::parse_event_t, json&) {
        if (depth > 32) fail("{} is nested deeper than 32 levels.", what);
        return true;
    };
    try {
        return json::parse(text.begin(), text.end(), limit_depth);
    } catch (json::parse_error const& e) {
        fail("{} is not valid JSON (at byte {} of {}).", what, e.byte, text.size());
    } catch (json::out_of_range const&) {
        fail("{} is not valid JSON: a number in it is too large.", what);
    }
}

json json_parse_python(std::string_view text, std::string_view what) {
    std::string standard;
    standard.reserve(text.size());
    for (bool in_string = false; !text.empty();) {
        std::size_t length = 1;
        std::string_view instead;
        if (in_string && text[0] == '\\')
            length = std::min<std::size_t>(2, text.size());
        else if (text[0] == '"')
            in_string = !in_string;
        else if (!in_string)
            for (std::string_view word : {"-Infinity", "Infinity", "NaN"})
                if (text.starts_with(word)) length = word.size(), instead = "null";
        standard += instead.empty() ? text.substr(0, length) : instead;
        text.remove_prefix(length);
    }
    return json_parse(standard, what);
}

std::string json_line(json const& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string json_show(json const& value, std::size_t longest) {
    if (value.is_object()) return "an object";
    if (value.is_array()) return "a list";
    std::string shown = json_line(value);
    if (shown.size() > longest) {
        std::size_t end = longest - 4;
        while (end > 0 && (shown[end] & 0xC0) == 0x80) --end; // not inside a UTF-8 sequence
        shown = shown.substr(0, end) + "…";
    }
    return shown;
}

} // namespace sfumato
