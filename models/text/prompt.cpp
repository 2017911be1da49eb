#include "models/text/prompt.h"

#include "compute/error.h"
#include "models/text/characters.h"
#include "models/text/prompt_extras.h"
#include "models/text/t5_tokenizer.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace sfumato {

namespace {

constexpr std::size_t most_bytes = 64 << 10, most_chunks = 64;
constexpr std::size_t chunk_tokens = prompt_chunks::length - 2; // without BOS and EOS
constexpr std::size_t comma_reach = 20;
constexpr std::size_t longest_weight = 64; // characters of ":1.2)", so that colons cost no search to the end

bool is_space(char32_t c) { return kind_of(c) == character_kind::space; }
bool in_a_word(char32_t c) {
    return c == U'_' || kind_of(c) == character_kind::letter || kind_of(c) == character_kind::number;
}

std::u32string_view without_spaces_before(std::u32string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    return text;
}

std::u32string_view without_spaces_after(std::u32string_view text) {
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

struct explicit_weight {
    double factor;
    std::size_t length; // of ":1.2)", spaces included
};

// The weight that closes a round bracket, if `text`, which begins with a colon, begins with one.
std::optional<explicit_weight> find_weight(std::u32string_view text) {
    auto const end = text.substr(0, longest_weight).find(U')');
    if (end == text.npos) return std::nullopt;
    std::string const number = utf8_encode(without_spaces_before(without_spaces_after(text.substr(1, end - 1))));
    bool const plus = number.starts_with('+');
    if (number.find_first_not_of("-.0123456789", plus ? 1 : 0) != number.npos || number.starts_with("+-"))
        return std::nullopt;
    double factor = 0;
    auto const [stop, status] = std::from_chars(number.data() + plus, number.data() + number.size(), factor);
    if (stop != number.data() + number.size() || status == std::errc::invalid_argument) return std::nullopt;
    if (status == std::errc::result_out_of_range) factor = std::numeric_limits<double>::infinity();
    return explicit_weight{factor, end + 1};
}

// Where the word BREAK stands in `text`; npos if it does not.
std::size_t find_break(std::u32string_view text) {
    constexpr std::u32string_view word = U"BREAK";
    for (std::size_t i = text.find(word); i != text.npos; i = text.find(word, i + 1))
        if ((i == 0 || !in_a_word(text[i - 1])) && (i + 5 == text.size() || !in_a_word(text[i + 5]))) return i;
    return text.npos;
}

struct parser {
    std::vector<prompt_part> parts;
    std::vector<std::size_t> round, square; // the open brackets: the first part in each

    void add(std::u32string_view text) { parts.push_back({utf8_encode(text)}); }

    void add_with_breaks(std::u32string_view text) {
        bool breaks = false;
        for (std::size_t at = 0; at != text.npos;) {
            at = find_break(text);
            auto const before = text.substr(0, at);
            parts.push_back({utf8_encode(at == text.npos ? before : without_spaces_after(before)), 1, breaks});
            if (at != text.npos) text = without_spaces_before(text.substr(at + 5));
            breaks = true;
        }
    }

    void close(std::vector<std::size_t>& open, double factor) {
        for (std::size_t i = open.back(); i < parts.size(); ++i) parts[i].weight *= factor;
        open.pop_back();
    }

    // Takes what begins `text` and returns how long it is.
    std::size_t take(std::u32string_view text) {
        switch (text[0]) {
        case U'\\': {
            std::size_t const escaped = text.substr(1, 1).find_first_of(U"()[]\\") == 0 ? 1 : 0;
            add(text.substr(1, escaped));
            return 1 + escaped;
        }
        case U'(': round.push_back(parts.size()); return 1;
        case U'[': square.push_back(parts.size()); return 1;
        case U':':
            if (auto const weight = find_weight(text); weight && !round.empty()) {
                close(round, weight->factor);
                return weight->length;
            }
            break;
        case U')':
            if (round.empty()) break;
            close(round, 1.1);
            return 1;
        case U']':
            if (square.empty()) break;
            close(square, 1 / 1.1);
            return 1;
        default: {
            std::size_t const length = std::min(text.find_first_of(U"\\()[]:"), text.size());
            add_with_breaks(text.substr(0, length));
            return length;
        }
        }
        add(text.substr(0, 1));
        return 1;
    }
};

// Neighbours under one weight become one part, so that their words are tokenized together.
std::vector<prompt_part> join(std::vector<prompt_part> parts) {
    std::vector<prompt_part> joined;
    for (prompt_part& part : parts)
        if (!joined.empty() && !part.breaks && part.weight == joined.back().weight)
            joined.back().text += part.text;
        else
            joined.push_back(std::move(part));
    if (joined.empty()) joined.emplace_back();
    return joined;
}

struct weighted_token {
    std::int32_t id;
    float weight;
};

struct chunk_maker {
    clip_vocabulary const& vocabulary;
    std::span<learnt_word const> learnt;
    prompt_chunks chunks;
    std::vector<weighted_token> tokens; // of the chunk that is being filled
    std::optional<std::size_t> comma;   // the last one among them

    void close() {
        assert(tokens.size() <= chunk_tokens);
        if (chunks.ids.size() == most_chunks)
            fail("The prompt has more than {} chunks, of {} tokens each or ended by BREAK; please shorten it.",
                 most_chunks, chunk_tokens);
        auto& ids = chunks.ids.emplace_back();
        auto& weights = chunks.weights.emplace_back();
        ids.fill(vocabulary.pad);
        weights.fill(1);
        ids[0] = vocabulary.bos();
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            ids[i + 1] = tokens[i].id;
            weights[i + 1] = tokens[i].weight;
        }
        ids[tokens.size() + 1] = vocabulary.eos();
        tokens.clear();
        comma.reset();
    }

    // A full chunk ends at its last comma when that is near, unless the text goes on with a comma.
    void close_full(std::int32_t next) {
        std::vector<weighted_token> moved;
        if (next != clip_vocabulary::comma && comma && tokens.size() - *comma <= comma_reach) {
            moved.assign(tokens.begin() + std::ptrdiff_t(*comma) + 1, tokens.end());
            tokens.resize(*comma + 1);
        }
        close();
        tokens = std::move(moved);
    }

    void add(weighted_token const& token) {
        if (tokens.size() == chunk_tokens) close_full(token.id);
        if (token.id == clip_vocabulary::comma) comma = tokens.size();
        tokens.push_back(token);
    }

    void add_learnt(int number, float weight) {
        std::int32_t id = vocabulary.size;
        for (int i = 0; i < number; ++i) id += learnt[std::size_t(i)].vectors;
        int const count = learnt[std::size_t(number)].vectors;
        if (tokens.size() + std::size_t(count) > chunk_tokens) close();
        for (int i = 0; i < count; ++i) add({id + i, weight});
    }

    void add_text(std::string_view text, float weight) {
        for (worded_text const& part : find_learnt_words(text, learnt)) {
            if (part.word >= 0) add_learnt(part.word, weight);
            for (std::int32_t const id : clip_tokenize(part.text, vocabulary)) add({id, weight});
        }
    }
};

void check_length(std::string_view prompt) {
    if (prompt.size() > most_bytes)
        fail("The prompt has {} bytes; {} are the most, please shorten it.", prompt.size(), most_bytes);
}

void pad_to(t5_prompt& p, std::size_t length) {
    p.ids.resize(length, t5_pad);
    p.weights.resize(length, 1);
}

double mean(std::span<float const> values) {
    double sum = 0;
    for (float const v : values) sum += v;
    return sum / double(values.size());
}

} // namespace

std::vector<prompt_part> parse_prompt(std::string_view prompt) {
    std::u32string const characters = utf8_decode(prompt);
    parser p;
    for (std::u32string_view rest = characters; !rest.empty();) rest.remove_prefix(p.take(rest));
    while (!p.round.empty()) p.close(p.round, 1.1);
    while (!p.square.empty()) p.close(p.square, 1 / 1.1);
    for (prompt_part const& part : p.parts)
        if (!std::isfinite(float(part.weight)))
            fail("A weight in the prompt is too large; weights are numbers such as 1.2 in (word:1.2).");
    return join(std::move(p.parts));
}

prompt_chunks make_chunks(std::string_view prompt, clip_vocabulary const& vocabulary,
                          std::vector<std::string>* warnings, std::span<learnt_word const> learnt) {
    check_length(prompt);
    drawn_prompt const drawn = without_extras(prompt, learnt);
    if (warnings) warnings->insert(warnings->end(), drawn.warnings.begin(), drawn.warnings.end());
    chunk_maker maker{.vocabulary = vocabulary, .learnt = learnt};
    for (prompt_part const& part : parse_prompt(drawn.text)) {
        if (part.breaks) maker.close();
        maker.add_text(part.text, float(part.weight));
    }
    if (!maker.tokens.empty() || maker.chunks.ids.empty()) maker.close();
    return std::move(maker.chunks);
}

t5_prompt make_t5_prompt(std::string_view prompt, int vocabulary) {
    check_length(prompt);
    t5_prompt made;
    for (prompt_part const& part : parse_prompt(without_extras(prompt).text)) {
        auto const ids = t5_tokenize(part.text, vocabulary);
        made.ids.insert(made.ids.end(), ids.begin(), ids.end());
        made.weights.resize(made.ids.size(), float(part.weight));
    }
    made.ids.push_back(t5_end);
    if (made.ids.size() > t5_prompt::most)
        fail("The prompt has {} tokens for T5; {} are the most, please shorten it.", made.ids.size(), t5_prompt::most);
    pad_to(made, std::max(made.ids.size(), t5_prompt::least));
    return made;
}

void match_lengths(t5_prompt& a, t5_prompt& b) {
    std::size_t const length = std::max(a.ids.size(), b.ids.size());
    pad_to(a, length);
    pad_to(b, length);
}

void match_chunk_counts(prompt_chunks& positive, prompt_chunks& negative) {
    std::size_t const count = std::lcm(positive.ids.size(), negative.ids.size());
    if (count > most_chunks)
        fail("The prompt has {} chunks of {} tokens and the negative prompt {}, which come out even only after {}, and "
             "{} "
             "are the most; shorten one of them.",
             positive.ids.size(), chunk_tokens, negative.ids.size(), count, most_chunks);
    for (prompt_chunks* const side : {&positive, &negative})
        for (std::size_t i = 0; side->ids.size() < count; ++i) {
            side->ids.push_back(side->ids[i]);
            side->weights.push_back(side->weights[i]);
        }
}

void apply_weights(std::span<float> context, std::span<float const> weights) {
    assert(!weights.empty() && context.size() % weights.size() == 0 && !context.empty());
    if (std::ranges::all_of(weights, [](float w) { return w == 1; })) return;
    std::size_t const channels = context.size() / weights.size();
    double const before = mean(context);
    for (std::size_t i = 0; i < context.size(); ++i) context[i] *= weights[i / channels];
    double const scale = before / mean(context);
    if (!std::isfinite(scale)) return; // nothing is left to scale
    for (float& v : context) v = float(v * scale);
}

} // namespace sfumato
