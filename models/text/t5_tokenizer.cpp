#include "models/text/t5_tokenizer.h"

#include "models/text/characters.h"
#include "models/text/t5_pieces.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utf8proc.h>

namespace sfumato {

namespace {

// ---- Normalisation: what T5's own table does, by rules

// A range of characters, both ends included.
struct range {
    char32_t first, last;
};
template <std::size_t n> bool is_in(std::array<range, n> const& all, char32_t c) {
    return std::ranges::any_of(all, [c](range const& r) { return r.first <= c && c <= r.last; });
}

constexpr std::array removed{range{0x01, 0x08}, range{0x0B, 0x0B}, range{0x0E, 0x1F},
                             range{0x7F, 0x7F}, range{0x8F, 0x8F}, range{0x9F, 0x9F}};
constexpr std::array spaces{range{0x09, 0x0A},     range{0x0C, 0x0D},     range{0x1680, 0x1680}, range{0x200B, 0x200F},
                            range{0x2028, 0x2029}, range{0x2581, 0x2581}, range{0xFEFF, 0xFEFF}, range{0xFFFD, 0xFFFD}};
// The wide tilde, and what has a compatible form in Unicode, but is younger than the table.
constexpr std::array kept{range{0xFF5E, 0xFF5E},   range{0x32FF, 0x32FF},   range{0xA7F1, 0xA7F4},
                          range{0xAB69, 0xAB69},   range{0x10780, 0x107BF}, range{0x1E030, 0x1E06F},
                          range{0x1F16C, 0x1F16C}, range{0x1F23B, 0x1F23B}, range{0x1FBF0, 0x1FBF9}};

std::u32string compatible_form(std::u32string_view characters) {
    std::string const text = utf8_encode(characters);
    utf8proc_uint8_t* made = nullptr;
    auto const length =
        utf8proc_map(reinterpret_cast<utf8proc_uint8_t const*>(text.data()), utf8proc_ssize_t(text.size()), &made,
                     utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
    if (length < 0) throw std::bad_alloc(); // the text is valid, so nothing else can fail
    std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> const owner(made, std::free);
    return utf8_decode({reinterpret_cast<char const*>(made), std::size_t(length)});
}

// With single spaces, and none at the end.
std::u32string normalised(std::u32string_view text) {
    std::u32string plain, stretch;
    auto const put = [&](char32_t c) {
        if (c != U' ' || !plain.ends_with(U' ')) plain += c;
    };
    auto const end_stretch = [&] {
        for (char32_t const c : compatible_form(stretch)) put(c);
        stretch.clear();
    };
    for (char32_t const c : text) {
        if (is_in(removed, c)) continue;
        if (!is_in(spaces, c) && !is_in(kept, c)) {
            stretch += c;
            continue;
        }
        end_stretch();
        put(is_in(kept, c) ? c : U' ');
    }
    end_stretch();
    while (plain.ends_with(U' ')) plain.pop_back();
    return plain;
}

// ---- The most probable pieces

// The pieces that begin with the bytes taken so far.
class beginning {
  public:
    bool take(char byte) {
        auto const is_before = [this](auto wanted) {
            return [this, wanted](t5_piece const& p) { return byte_of(p) < wanted; };
        };
        int const wanted = static_cast<unsigned char>(byte);
        first_ = std::partition_point(first_, last_, is_before(wanted));
        last_ = std::partition_point(first_, last_, is_before(wanted + 1));
        ++length_;
        return first_ != last_;
    }
    // The piece that is these bytes.
    t5_piece const* whole() const { return first_ != last_ && length_of(*first_) == length_ ? first_ : nullptr; }

  private:
    static std::size_t length_of(t5_piece const& p) { return (&p + 1)->begin - p.begin; }
    // The next byte; −1: it has none.
    int byte_of(t5_piece const& p) const {
        return length_ < length_of(p) ? static_cast<unsigned char>(t5_text[p.begin + length_]) : -1;
    }

    t5_piece const *first_ = t5_pieces, *last_ = t5_pieces + t5_piece_count;
    std::size_t length_ = 0;
};

double unknown_score() {
    static double const score =
        double(std::ranges::min(std::span(t5_pieces, std::size_t(t5_piece_count)), {}, &t5_piece::score).score) - 10;
    return score;
}

std::size_t character_length(char lead) {
    auto const byte = static_cast<unsigned char>(lead);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// The best way to the end of the first so many bytes of a word.
struct way {
    double score = -std::numeric_limits<double>::infinity();
    std::size_t from = 0;
    std::int32_t id = t5_unknown;

    void offer(way const& other) {
        if (other.score > score) *this = other;
    }
};

// Viterbi's algorithm.
void append_word(std::vector<std::int32_t>& tokens, std::string_view word, int vocabulary) {
    std::vector<way> best(word.size() + 1);
    best[0].score = 0;
    for (std::size_t i = 0; i < word.size(); i += character_length(word[i])) {
        std::size_t const next = i + character_length(word[i]);
        bool next_is_known = false;
        beginning seen;
        for (std::size_t end = i + 1; end <= word.size() && seen.take(word[end - 1]); ++end)
            if (t5_piece const* const p = seen.whole(); p && p->id < vocabulary) {
                best[end].offer({best[i].score + double(p->score), i, p->id});
                next_is_known |= end == next;
            }
        if (!next_is_known) best[next].offer({best[i].score + unknown_score(), i, t5_unknown});
    }
    std::vector<std::int32_t> backwards;
    for (std::size_t end = word.size(); end > 0; end = best[end].from)
        if (best[end].id != t5_unknown || backwards.empty() || backwards.back() != t5_unknown)
            backwards.push_back(best[end].id);
    tokens.insert(tokens.end(), backwards.rbegin(), backwards.rend());
}

void append_text(std::vector<std::int32_t>& tokens, std::u32string_view text, int vocabulary) {
    constexpr char32_t mark = 0x2581;
    std::u32string marked = normalised(text);
    if (marked.empty()) return;
    std::ranges::replace(marked, U' ', mark);
    if (!marked.starts_with(mark)) marked.insert(marked.begin(), mark);
    for (std::size_t first = 0; first < marked.size();) {
        std::size_t const end = std::min(marked.find(mark, first + 1), marked.size());
        append_word(tokens, utf8_encode(std::u32string_view(marked).substr(first, end - first)), vocabulary);
        first = end;
    }
}

// ---- Tokens that stand in the text themselves

struct special {
    std::int32_t id;
    std::size_t length;
};

std::optional<special> special_at(std::u32string_view text) {
    constexpr std::array<std::u32string_view, 3> names{U"<pad>", U"</s>", U"<unk>"};
    for (std::size_t i = 0; i < names.size(); ++i)
        if (text.starts_with(names[i])) return special{std::int32_t(i), names[i].size()};
    constexpr std::u32string_view extra = U"<extra_id_";
    if (!text.starts_with(extra)) return {};
    std::string const rest = utf8_encode(text.substr(extra.size(), 3));
    unsigned number = 100;
    auto const [end, wrong] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    auto const digits = std::size_t(end - rest.data());
    bool const is_one =
        wrong == std::errc{} && number < 100 && digits < rest.size() && *end == '>' && (digits == 1 || rest[0] != '0');
    return is_one ? std::optional(special{32099 - std::int32_t(number), extra.size() + digits + 1}) : std::nullopt;
}

} // namespace

std::vector<std::int32_t> t5_tokenize(std::string_view text, int vocabulary) {
    std::u32string const characters = utf8_decode(text);
    std::vector<std::int32_t> tokens;
    std::u32string_view rest = characters;
    for (std::size_t i = 0; i < rest.size();) {
        auto const found = special_at(rest.substr(i));
        if (!found || found->id >= vocabulary) {
            ++i;
            continue;
        }
        append_text(tokens, rest.substr(0, i), vocabulary);
        tokens.push_back(found->id);
        rest.remove_prefix(i + found->length);
        i = 0;
    }
    append_text(tokens, rest, vocabulary);
    return tokens;
}

} // namespace sfumato
