// What is said to people, in such a way that it can be said in another language where it is shown: an English sentence
// with places for names and numbers, as std::format has them, and what stands in those places.
#pragma once

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sfumato {

struct sentence {
    std::string format;                 // "fill {} × {}": what a catalogue of translations is asked for
    std::vector<std::string> arguments; // "256", "192": what stands in the places, by their numbers
    std::vector<sentence> parts{}; // those arguments that are sentences themselves, by their numbers; others: empty

    sentence() = default;
    explicit sentence(char const* text) : format(text) {} // without places; whoever says it says say(), to be found
    sentence(std::string text) : format("{}"), arguments{std::move(text)} {}
    sentence(std::string format, std::vector<std::string> arguments, std::vector<sentence> parts = {})
        : format(std::move(format)), arguments(std::move(arguments)), parts(std::move(parts)) {}

    bool operator==(sentence const&) const = default;
    bool empty() const { return format.empty(); }

    std::string text() const { return filled(format).value_or(format); }

    /// `translated`: the format in another language. Its places may be numbered ({1} before {0}), and how a number is
    /// written there is not looked at. Nothing when a place has no argument, or a brace no other.
    std::optional<std::string> filled(std::string_view translated) const;
};

namespace sentence_parts {

/// Calls text(string_view) for what stands between places and place(number, how) for each: {}, {0}, {:.1f}. False: a
/// brace has no other.
template <class Text, class Place> bool read(std::string_view format, Text text, Place place) {
    std::size_t next = 0;
    while (!format.empty()) {
        std::size_t const brace = format.find_first_of("{}");
        text(format.substr(0, brace));
        if (brace == format.npos) return true;
        bool const is_doubled = brace + 1 < format.size() && format[brace + 1] == format[brace];
        if (is_doubled) {
            text(format.substr(brace, 1));
            format.remove_prefix(brace + 2);
            continue;
        }
        std::size_t const end = format.find('}', brace);
        if (format[brace] == '}' || end == format.npos) return false;
        std::string_view inside = format.substr(brace + 1, end - brace - 1);
        std::size_t number = next++;
        std::size_t const colon = std::min(inside.find(':'), inside.size());
        if (colon > 0 && std::from_chars(inside.data(), inside.data() + colon, number).ptr != inside.data() + colon)
            return false;
        place(number, inside.substr(colon));
        format.remove_prefix(end + 1);
    }
    return true;
}

inline sentence part(sentence const& s) { return s; }
inline sentence part(auto const&) { return {}; }

template <class... Args> std::vector<sentence> parts_of(Args const&... arguments) {
    if constexpr ((std::is_same_v<Args, sentence> || ...))
        return {part(arguments)...};
    else
        return {};
}

/// Each argument is written as its place says.
inline sentence make(std::string_view format, std::format_args arguments, std::vector<sentence> parts) {
    sentence s(std::string(format), {}, std::move(parts));
    read(
        format, [](std::string_view) {},
        [&](std::size_t number, std::string_view how) {
            if (s.arguments.size() <= number) s.arguments.resize(number + 1);
            s.arguments[number] = std::vformat(std::format("{{{}{}}}", number, how), arguments);
        });
    return s;
}

} // namespace sentence_parts

inline std::optional<std::string> sentence::filled(std::string_view translated) const {
    std::string whole;
    bool fits = true;
    bool const is_format = sentence_parts::read(
        translated, [&](std::string_view text) { whole += text; },
        [&](std::size_t number, std::string_view) {
            if (number < arguments.size())
                whole += arguments[number];
            else
                fits = false;
        });
    return is_format && fits ? std::optional(std::move(whole)) : std::nullopt;
}

/// `say("fill {} × {}", 256, 192)`; `say("'{}' is damaged: {}.", file, say("its header has {} bytes", 7))`
template <class... Args> sentence say(std::format_string<Args...> format, Args&&... args) {
    return sentence_parts::make(format.get(), std::make_format_args(args...), sentence_parts::parts_of(args...));
}

} // namespace sfumato

template <> struct std::formatter<sfumato::sentence> : std::formatter<std::string> {
    auto format(sfumato::sentence const& s, auto& context) const {
        return std::formatter<std::string>::format(s.text(), context);
    }
};
