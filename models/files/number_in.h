// Numbers in the words of foreign files.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace sfumato {

/// All of `text` as a number, or nothing.
template <class T> std::optional<T> number_in(std::string_view text) {
    T value{};
    auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool const whole = wrong == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(value) : std::nullopt;
}

} // namespace sfumato
