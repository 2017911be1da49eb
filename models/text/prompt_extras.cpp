#include "models/text/prompt_extras.h"

#include "compute/error.h"
#include "models/text/characters.h"
#include "request/request.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <format>
#include <optional>

namespace sfumato {

namespace {

bool in_a_word(char32_t c) {
    return c == U'_' || kind_of(c) == character_kind::letter || kind_of(c) == character_kind::number;
}
bool is_space(char32_t c) { return kind_of(c) == character_kind::space; }

std::u32string_view trimmed(std::u32string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// "0.5", ".5", "10"
bool is_number(std::u32string_view text) {
    text = trimmed(text);
    return text.find_first_not_of(U"0123456789.") == text.npos && std::ranges::count(text, U'.') <= 1 &&
           text.find_first_of(U"0123456789") != text.npos;
}

// One kind of what was found: how often, and the first as it stands in the prompt.
struct finding {
    int count = 0;
    std::string first;

    void add(std::u32string_view text) {
        constexpr std::size_t longest = 40;
        if (++count == 1) first = utf8_encode(text.substr(0, longest)) + (text.size() > longest ? "…" : "");
    }
    void tell(std::vector<std::string>& warnings, std::string_view what) const {
        if (count == 0) return;
        std::string const more = count > 1 ? std::format(" (and {} more)", count - 1) : "";
        warnings.push_back(std::format("\"{}\"{} {}", first, more, what));
    }
};

// ---- Networks and embeddings, which are named in the prompt

// The length of "<lora:NAME:0.8>", if `text` begins with such a thing.
std::size_t network_length(std::u32string_view text) {
    if (text.empty() || text[0] != U'<') return 0;
    auto const name = std::ranges::find_if_not(text.begin() + 1, text.end(), in_a_word);
    if (name == text.begin() + 1 || name == text.end() || *name != U':') return 0;
    auto const end = text.find(U'>');
    return end == text.npos || end == std::size_t(name - text.begin()) + 1 ? 0 : end + 1;
}

// The same of "embedding:NAME".
std::size_t embedding_length(std::u32string_view text) {
    constexpr std::u32string_view word = U"embedding:";
    if (!text.starts_with(word)) return 0;
    auto const end = std::min(text.find_first_of(U" \t\n\r,:()[]|<>", word.size()), text.size());
    return end == word.size() ? 0 : end;
}

// "lora:NAME:te=0.5" → "lora", "NAME", "te=0.5"
std::vector<std::string> split_at_colons(std::u32string_view text) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        std::size_t const end = std::min(text.find(U':', from), text.size());
        parts.push_back(utf8_encode(text.substr(from, end - from)));
        from = end + 1;
    }
    return parts;
}

double weight_in(std::string_view text) {
    double weight = 0;
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), weight);
    if (wrong != std::errc() || end != text.data() + text.size() || !(std::abs(weight) <= lora_choice::largest_weight))
        fail("A <lora:NAME:WEIGHT> in the prompt has a weight that is no number from {} to {}.",
             -lora_choice::largest_weight, lora_choice::largest_weight);
    return weight;
}

// Nothing: it is another network.
std::optional<prompt_lora> read_lora(std::u32string_view inside) {
    auto const parts = split_at_colons(inside);
    if (parts.size() < 2 || (parts[0] != "lora" && parts[0] != "lyco")) return {};
    prompt_lora lora{parts[1]};
    std::optional<double> text_weight, weight;
    for (std::size_t i = 2; i < parts.size(); ++i) {
        auto const equals = parts[i].find('=');
        std::string const key = equals == std::string::npos ? "" : parts[i].substr(0, equals);
        if (key.empty() && !text_weight)
            text_weight = weight_in(parts[i]);
        else if (key.empty() && !weight)
            weight = weight_in(parts[i]);
        else if (key == "te")
            text_weight = weight_in(std::string_view(parts[i]).substr(3));
        else if (key == "unet")
            weight = weight_in(std::string_view(parts[i]).substr(5));
    }
    lora.text_weight = text_weight.value_or(1);
    lora.weight = weight.value_or(lora.text_weight);
    return lora;
}

// "embedding:NAME …" begins with one of them.
bool is_learnt(std::u32string_view text, std::span<learnt_word const> learnt) {
    if (learnt.empty()) return false;
    constexpr std::size_t longest = 300; // characters: names are of files
    std::string const beginning = utf8_encode(text.substr(0, longest));
    auto const parts = find_learnt_words(beginning, learnt);
    return !parts.empty() && parts.front().word >= 0;
}

std::u32string without_names(std::u32string_view text, std::span<learnt_word const> learnt, finding& networks,
                             finding& embeddings) {
    std::u32string left;
    std::size_t const last_end = text.rfind(U'>') + 1; // 0: there is none, so that nobody looks for one again and again
    for (std::size_t i = 0; i < text.size();) {
        std::size_t const network = i < last_end ? network_length(text.substr(i)) : 0;
        bool const begins_word = i == 0 || !in_a_word(text[i - 1]);
        std::size_t embedding = begins_word ? embedding_length(text.substr(i)) : 0;
        if (embedding && is_learnt(text.substr(i), learnt)) embedding = 0;
        if (network) networks.add(text.substr(i, network));
        if (embedding) embeddings.add(text.substr(i, embedding));
        if (!network && !embedding) left += text[i];
        i += std::max({network, embedding, std::size_t(1)});
    }
    return left;
}

// ---- AND, between prompts that A1111 weighs against each other

// Where the word AND stands at or behind `from`; npos: nowhere.
std::size_t find_and(std::u32string_view text, std::size_t from) {
    for (std::size_t i = text.find(U"AND", from); i != text.npos; i = text.find(U"AND", i + 1))
        if ((i == 0 || !in_a_word(text[i - 1])) && (i + 3 == text.size() || !in_a_word(text[i + 3]))) return i;
    return text.npos;
}

// "a dog :1.2" without the weight.
std::u32string_view without_weight(std::u32string_view part) {
    auto const colon = part.rfind(U':');
    if (colon == part.npos) return part;
    std::u32string_view const weight = trimmed(part.substr(colon + 1));
    bool const has_sign = weight.starts_with(U'-') || weight.starts_with(U'+');
    return is_number(weight.substr(has_sign)) ? part.substr(0, colon) : part;
}

std::u32string without_and(std::u32string_view text, finding& ands) {
    std::size_t at = find_and(text, 0);
    if (at == text.npos) return std::u32string(text);
    std::u32string left;
    for (std::size_t from = 0;; from = at + 3, at = find_and(text, from)) {
        left += without_weight(text.substr(from, at == text.npos ? at : at - from));
        if (at == text.npos) return left;
        left += U" BREAK ";
        ands.add(U"AND");
    }
}

// ---- Prompts that change during the run

// An open bracket, where it stands in what is written, and what stands in it alone.
struct bracket {
    char32_t is;
    std::size_t at;
    std::vector<std::size_t> colons{}, bars{};
};

// What the first step has of "[…" in `text`, if it is something that changes.
std::optional<std::u32string> first_of(bracket const& b, std::u32string_view text) {
    std::size_t const inside = b.at + 1;
    if (!b.bars.empty()) return std::u32string(text.substr(inside, b.bars[0] - inside));
    bool const changes = (b.colons.size() == 1 || b.colons.size() == 2) && is_number(text.substr(b.colons.back() + 1));
    if (!changes) return {};
    return std::u32string(b.colons.size() == 2 ? text.substr(inside, b.colons[0] - inside) : U"");
}

std::u32string as_in_first_step(std::u32string_view text, finding& changes) {
    std::u32string left;
    std::vector<bracket> open;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char32_t const c = text[i];
        bool const in_square = !open.empty() && open.back().is == U'[', in_round = !open.empty() && !in_square;
        if (c == U'\\' && i + 1 < text.size()) {
            left += c;
            left += text[++i];
            continue;
        }
        if (c == U'[' || c == U'(') open.push_back({c, left.size()});
        if (c == U':' && in_square) open.back().colons.push_back(left.size());
        if (c == U'|' && in_square) open.back().bars.push_back(left.size());
        if (c == U')' && in_round) open.pop_back();
        left += c;
        if (c != U']' || !in_square) continue;
        bracket const closed = std::move(open.back());
        open.pop_back();
        auto first = first_of(closed, std::u32string_view(left).substr(0, left.size() - 1));
        if (!first) continue;
        changes.add(std::u32string_view(left).substr(closed.at));
        left.resize(closed.at);
        left += *first;
    }
    return left;
}

} // namespace

std::vector<prompt_lora> take_loras(std::string& prompt) {
    std::u32string const text = utf8_decode(prompt);
    std::u32string left;
    std::vector<prompt_lora> loras;
    std::size_t const last_end = text.rfind(U'>') + 1;
    for (std::size_t i = 0; i < text.size();) {
        std::u32string_view const rest = std::u32string_view(text).substr(i);
        std::size_t const length = i < last_end ? network_length(rest) : 0;
        auto lora = length ? read_lora(rest.substr(1, length - 2)) : std::nullopt;
        if (lora)
            loras.push_back(std::move(*lora));
        else
            left += rest.substr(0, std::max<std::size_t>(length, 1));
        i += std::max<std::size_t>(length, 1);
    }
    if (!loras.empty()) prompt = utf8_encode(left);
    return loras;
}

drawn_prompt without_extras(std::string_view prompt, std::span<learnt_word const> learnt) {
    finding networks, embeddings, ands, changes;
    std::u32string text = without_names(utf8_decode(prompt), learnt, networks, embeddings);
    text = as_in_first_step(without_and(text, ands), changes);
    drawn_prompt drawn{.text = utf8_encode(text), .warnings = {}};
    networks.tell(
        drawn.warnings,
        "is left out: LoRAs are taken from the prompt, not from the negative one, and hypernetworks are not loaded");
    embeddings.tell(drawn.warnings, "in the prompt is left out: there is no embedding of that name for this model");
    ands.tell(drawn.warnings, "in the prompt is taken as BREAK: prompts are not weighed against each other yet");
    changes.tell(drawn.warnings,
                 "in the prompt is drawn as in the first step: prompts that change during a run are not done yet");
    return drawn;
}

} // namespace sfumato
