// Any bytes as a prompt: either an error in one short sentence, or chunks that hold each of its tokens once, with
// finite weights; for T5 likewise. The first byte chooses the vocabulary.
#include "compute/error.h"
#include "models/text/prompt.h"
#include "models/text/prompt_extras.h"

#include <cmath>
#include <cstdlib>

using namespace sfumato;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

void check_chunk(std::array<std::int32_t, 77> const& ids, std::array<float, 77> const& weights,
                 clip_vocabulary const& vocabulary) {
    check(ids[0] == vocabulary.bos());
    for (std::int32_t const id : ids) check(id >= 0 && id < vocabulary.size);
    for (float const weight : weights) check(std::isfinite(weight));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    if (size < 1) return 0;
    std::string_view const prompt(reinterpret_cast<char const*>(data + 1), size - 1);
    constexpr std::int32_t pad = -1; // to tell padding from tokens
    clip_vocabulary const vocabulary{.size = data[0] == 0 ? 49408 : 514 + data[0] * 191, .pad = pad};
    try {
        std::string rest(prompt);
        for (prompt_lora const& lora : take_loras(rest))
            check(std::isfinite(lora.weight) && std::isfinite(lora.text_weight));
        check(rest.size() <= prompt.size() * 3); // what is no UTF-8 becomes a character of three bytes
    } catch (error const&) {}
    try {
        t5_prompt const t5 = make_t5_prompt(prompt, 32128);
        check(t5.ids.size() >= 77 && t5.ids.size() == t5.weights.size());
        for (std::int32_t const id : t5.ids) check(id >= 0 && id < 32128);
        for (float const weight : t5.weights) check(std::isfinite(weight));
    } catch (error const& e) {
        check(std::string_view(e.what()).size() < 300);
    }
    try {
        std::size_t tokens = 0, found = 0;
        for (prompt_part const& part : parse_prompt(without_extras(prompt).text))
            tokens += clip_tokenize(part.text, vocabulary).size();
        prompt_chunks const chunks = make_chunks(prompt, vocabulary);
        check(!chunks.ids.empty() && chunks.ids.size() == chunks.weights.size());
        for (std::size_t i = 0; i < chunks.ids.size(); ++i) {
            auto ids = chunks.ids[i];
            found += std::size_t(77 - std::ranges::count(ids, pad)) - 2; // without BOS and EOS
            std::ranges::replace(ids, pad, 0);
            check_chunk(ids, chunks.weights[i], vocabulary);
        }
        check(found == tokens);
        learnt_word const words[] = {{"cat", 3, true}, {"a", 75, false}};
        for (auto const& ids : make_chunks(prompt, vocabulary, nullptr, words).ids)
            for (std::int32_t const id : ids) check(id >= pad && id < vocabulary.size + 78);
    } catch (error const& e) {
        check(std::string_view(e.what()).size() < 300);
    }
    return 0;
}
