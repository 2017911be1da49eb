#include "models/json.h"

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

json json_parse_python(std::string text, std::string_view what) {
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (in_string && text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            in_string = !in_string;
        if (in_string) continue;
        for (std::string_view word : {"-Infinity", "Infinity", "NaN"})
            if (text.compare(i, word.size(), word) == 0) text.replace(i, word.size(), "null");
    }
    return json_parse(text, what);
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
