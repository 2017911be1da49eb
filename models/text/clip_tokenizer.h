// The tokenizer of CLIP: byte-level byte-pair encoding, as OpenAI's CLIP and transformers' CLIPTokenizer have it.
// Easy to get wrong:
// - the text is composed (NFC), then lower-cased character by character: no final sigma, and İ becomes two characters;
// - a digit is a token of its own: nothing is merged across it;
// - the mark for a word's end goes with the last byte, before anything is merged;
// - `<|startoftext|>` and `<|endoftext|>` in a prompt, spelled exactly so, are BOS and EOS.
#pragma once

#include "models/networks/clip.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sfumato {

/// Of a text encoder. Its tokens in their order: the 256 bytes (printable ones first), the same at a word's end, then
/// one for each merge of two tokens (models/text/clip_merges.txt), BOS, EOS. A smaller one (as small test models have)
/// is the same table with fewer merges; embeddings beyond 49408 (fine-tuning adds some) stand for no text.
struct clip_vocabulary {
    static constexpr std::int32_t full = clip_tokens, smallest = 514;
    static constexpr std::int32_t comma = 267; // "," at a word's end

    std::int32_t size = full;
    std::int32_t pad = clip_eos(size); // as CLIP-L has it; 0 in open_clip's encoders (SD2, SDXL's second)

    std::int32_t bos() const { return eos() - 1; }
    std::int32_t eos() const { return clip_eos(size); }
};

/// The tokens of `text`, without BOS and EOS, not cut. Bytes that are not UTF-8 count as U+FFFD. Throws error when the
/// vocabulary has fewer than 514 tokens.
std::vector<std::int32_t> clip_tokenize(std::string_view text, clip_vocabulary const& = {});

} // namespace sfumato
