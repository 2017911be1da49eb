// The characters of texts from outside: prompts, texts in files.
#pragma once

#include <string>
#include <string_view>

namespace sfumato {

/// The characters of UTF-8 `text`; every byte that is not part of a valid one becomes U+FFFD.
std::u32string utf8_decode(std::string_view text);

std::string utf8_encode(std::u32string_view characters);

/// Unicode's White_Space, L*, N*, and all others.
enum class character_kind { space, letter, number, other };
character_kind kind_of(char32_t);

} // namespace sfumato
