#include "models/text/characters.h"

#include <utf8proc.h>

namespace sfumato {

std::u32string utf8_decode(std::string_view text) {
    std::u32string characters;
    auto const* bytes = reinterpret_cast<utf8proc_uint8_t const*>(text.data());
    for (std::size_t i = 0; i < text.size();) {
        utf8proc_int32_t c = 0;
        auto const length = utf8proc_iterate(bytes + i, utf8proc_ssize_t(text.size() - i), &c);
        characters += length > 0 ? char32_t(c) : U'\uFFFD';
        i += length > 0 ? std::size_t(length) : 1;
    }
    return characters;
}

std::string utf8_encode(std::u32string_view characters) {
    std::string text;
    for (char32_t const c : characters) {
        utf8proc_uint8_t bytes[4];
        auto const length = utf8proc_encode_char(utf8proc_int32_t(c), bytes);
        text.append(reinterpret_cast<char const*>(bytes), std::size_t(length));
    }
    return text;
}

character_kind kind_of(char32_t c) {
    if ((c >= U'\t' && c <= U'\r') || c == U'\x85') return character_kind::space;
    switch (utf8proc_category(utf8proc_int32_t(c))) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return character_kind::space;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return character_kind::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return character_kind::number;
    default: return character_kind::other;
    }
}

} // namespace sfumato
