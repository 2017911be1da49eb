#include "models/text/clip_tokenizer.h"

#include "compute/error.h"
#include "models/text/characters.h"
#include "models/text/clip_merges.h"

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <queue>
#include <string>
#include <utf8proc.h>
#include <utility>

namespace sfumato {

namespace {

constexpr std::u32string_view start_of_text = U"<|startoftext|>", end_of_text = U"<|endoftext|>";

std::u32string compose(std::u32string_view characters) {
    std::string const text = utf8_encode(characters);
    utf8proc_uint8_t* composed = nullptr;
    auto const length =
        utf8proc_map(reinterpret_cast<utf8proc_uint8_t const*>(text.data()), utf8proc_ssize_t(text.size()), &composed,
                     utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (length < 0) throw std::bad_alloc(); // the text is valid, so nothing else can fail
    std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> const owner(composed, std::free);
    return utf8_decode({reinterpret_cast<char const*>(composed), std::size_t(length)});
}

std::u32string lower_case(std::u32string_view characters) {
    std::u32string lower;
    for (char32_t const c : characters)
        if (c == U'İ') // the one character whose lower case is two
            lower += U"i\u0307";
        else
            lower += char32_t(utf8proc_tolower(utf8proc_int32_t(c)));
    return lower;
}

// How many characters the first word of `text` has; text[0] is no space.
std::size_t word_length(std::u32string_view text) {
    for (std::u32string_view const suffix : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"})
        if (text.starts_with(suffix)) return suffix.size();
    character_kind const k = kind_of(text[0]);
    std::size_t length = 1;
    if (k != character_kind::number)
        while (length < text.size() && kind_of(text[length]) == k) ++length;
    return length;
}

// The token of a byte inside a word: printable bytes come first.
std::int32_t byte_token(unsigned char byte) {
    static constexpr auto tokens = [] {
        std::array<std::int32_t, 256> table{};
        auto const printable = [](int b) {
            return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
        };
        std::int32_t next = 0;
        for (int pass = 0; pass < 2; ++pass)
            for (int b = 0; b < 256; ++b)
                if (printable(b) == (pass == 0)) table[std::size_t(b)] = next++;
        return table;
    }();
    return tokens[byte];
}

// What a pair of tokens merges to, if the vocabulary has it.
std::optional<std::int32_t> merged(std::int32_t left, std::int32_t right, std::int32_t bos) {
    std::uint64_t const pair = std::uint64_t(left) << 32 | std::uint64_t(right) << 16;
    auto const* const found = std::lower_bound(std::begin(clip_merges), std::end(clip_merges), pair);
    if (found == std::end(clip_merges) || *found - pair > 0xFFFF) return std::nullopt;
    auto const token = std::int32_t(*found - pair);
    return token < bos ? std::optional(token) : std::nullopt;
}

// The pair that merges first, the leftmost of equals, until nothing merges.
void merge(std::vector<std::int32_t>& word, std::int32_t bos) {
    constexpr std::int32_t gone = -1;
    std::size_t const size = word.size();
    std::vector<std::size_t> before(size), after(size);     // the neighbours that are still there
    using candidate = std::pair<std::int32_t, std::size_t>; // what a pair merges to, where its left token is
    std::priority_queue<candidate, std::vector<candidate>, std::greater<>> candidates;
    auto const merged_at = [&](std::size_t i) {
        return after[i] < size ? merged(word[i], word[after[i]], bos) : std::nullopt;
    };
    auto const consider = [&](std::size_t i) {
        if (auto const token = merged_at(i)) candidates.emplace(*token, i);
    };
    for (std::size_t i = 0; i < size; ++i) {
        before[i] = i - 1;
        after[i] = i + 1;
    }
    for (std::size_t i = 0; i < size; ++i) consider(i);
    while (!candidates.empty()) {
        auto const [token, i] = candidates.top();
        candidates.pop();
        if (word[i] == gone || merged_at(i) != token) continue; // a neighbour was faster
        std::size_t const right = after[i];
        word[i] = token;
        word[right] = gone;
        after[i] = after[right];
        if (after[i] < size) before[after[i]] = i;
        if (i > 0) consider(before[i]);
        consider(i);
    }
    std::erase(word, gone);
}

void append_word(std::vector<std::int32_t>& tokens, std::u32string_view characters, std::int32_t bos) {
    std::vector<std::int32_t> word;
    for (char const byte : utf8_encode(characters)) word.push_back(byte_token(static_cast<unsigned char>(byte)));
    word.back() += 256; // at the word's end
    merge(word, bos);
    tokens.insert(tokens.end(), word.begin(), word.end());
}

// The special token that `text` starts with; 0 characters when it starts with none.
std::size_t special_length(std::u32string_view text) {
    for (std::u32string_view const special : {start_of_text, end_of_text})
        if (text.starts_with(special)) return special.size();
    return 0;
}

// Text without BOS and EOS in it. (Spelled in capitals they end here; they are words, which what follows does not
// join.)
void append_text(std::vector<std::int32_t>& tokens, std::u32string_view characters, std::int32_t bos) {
    std::u32string const lower = lower_case(compose(characters));
    for (std::u32string_view rest = lower; !rest.empty();) {
        if (kind_of(rest[0]) == character_kind::space) {
            rest.remove_prefix(1);
            continue;
        }
        std::size_t const special = special_length(rest);
        std::u32string_view piece = rest.substr(0, special ? special : word_length(rest));
        rest.remove_prefix(piece.size());
        while (!piece.empty()) {
            std::size_t const length = word_length(piece);
            append_word(tokens, piece.substr(0, length), bos);
            piece.remove_prefix(length);
        }
    }
}

} // namespace

std::vector<std::int32_t> clip_tokenize(std::string_view text, clip_vocabulary const& vocabulary) {
    if (vocabulary.size < clip_vocabulary::smallest)
        fail("The text encoder has a vocabulary of {} tokens; CLIP's has {} or, in small models, at least {}.",
             vocabulary.size, clip_vocabulary::full, clip_vocabulary::smallest);
    std::u32string const characters = utf8_decode(text);
    std::vector<std::int32_t> tokens;
    for (std::u32string_view rest = characters; !rest.empty();) {
        std::size_t const special = std::min(rest.find(start_of_text), rest.find(end_of_text));
        append_text(tokens, rest.substr(0, special), vocabulary.bos());
        rest.remove_prefix(std::min(special, rest.size()));
        if (rest.empty()) break;
        tokens.push_back(rest.starts_with(start_of_text) ? vocabulary.bos() : vocabulary.eos());
        rest.remove_prefix(special_length(rest));
    }
    return tokens;
}

} // namespace sfumato
