// Words that a user has taught a text encoder (textual inversion, Gal et al. 2022): each stands for one or more vectors
// in the place of tokens' embeddings.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct learnt_word {
    std::string name;
    int vectors = 1;      // it takes as many tokens
    bool as_word = false; // A1111: the name itself in the prompt is enough; else only embedding:NAME
    bool operator==(learnt_word const&) const = default;
};

/// A stretch of a prompt: text, or a learnt word.
struct worded_text {
    std::string_view text; // of the prompt; of a learnt word empty
    int word = -1;         // its number
};
/// In order. Names are found in any case (of Latin letters), as words of their own; the longest one counts.
std::vector<worded_text> find_learnt_words(std::string_view text, std::span<learnt_word const>);

/// Whether the prompt holds the word.
bool is_in_prompt(learnt_word const&, std::string_view prompt);

} // namespace sfumato
