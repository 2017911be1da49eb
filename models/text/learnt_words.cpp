#include "models/text/learnt_words.h"

#include <algorithm>

namespace sfumato {

namespace {

constexpr std::string_view mark = "embedding:";

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }
// Bytes above 127 are parts of letters.
bool in_a_word(char c) { return c == '_' || c < 0 || (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z'); }

bool begins_with(std::string_view text, std::string_view name) {
    return text.size() >= name.size() && std::ranges::equal(text.substr(0, name.size()), name, {}, lower, lower);
}

// How long it is at the beginning of `text`, mark and all; 0: it is not there.
std::size_t length_at(std::string_view text, learnt_word const& w) {
    bool const marked = begins_with(text, mark);
    if (!marked && !w.as_word) return 0;
    std::string_view const rest = text.substr(marked ? mark.size() : 0);
    if (w.name.empty() || !begins_with(rest, w.name)) return 0;
    bool const ends = rest.size() == w.name.size() || !in_a_word(w.name.back()) || !in_a_word(rest[w.name.size()]);
    return ends ? text.size() - rest.size() + w.name.size() : 0;
}

struct found_word {
    std::size_t length = 0;
    int number = -1;
};

found_word longest_at(std::string_view text, std::span<learnt_word const> words) {
    found_word best;
    for (std::size_t i = 0; i < words.size(); ++i)
        if (std::size_t const length = length_at(text, words[i]); length > best.length) best = {length, int(i)};
    return best;
}

} // namespace

std::vector<worded_text> find_learnt_words(std::string_view text, std::span<learnt_word const> words) {
    std::vector<worded_text> parts;
    std::size_t begin = 0;
    auto const add_text = [&](std::size_t end) {
        if (end > begin) parts.push_back({text.substr(begin, end - begin)});
    };
    for (std::size_t i = 0; i < text.size() && !words.empty();) {
        bool const begins_word = i == 0 || !in_a_word(text[i - 1]);
        found_word const found = begins_word ? longest_at(text.substr(i), words) : found_word{};
        if (!found.length) {
            ++i;
            continue;
        }
        add_text(i);
        parts.push_back({.text = {}, .word = found.number});
        begin = i += found.length;
    }
    add_text(text.size());
    return parts;
}

bool is_in_prompt(learnt_word const& w, std::string_view prompt) {
    return std::ranges::any_of(find_learnt_words(prompt, std::span(&w, 1)),
                               [](worded_text const& part) { return part.word >= 0; });
}

} // namespace sfumato
