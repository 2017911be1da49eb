// Prompts in the syntax of A1111 (AUTOMATIC1111's stable-diffusion-webui), cut into chunks for CLIP's text encoders:
//   (words)      weight × 1.1              [words]   weight ÷ 1.1            (words:1.2)   weight × 1.2
//   nesting multiplies; a bracket that is not closed reaches to the end; \( \) \[ \] \\ are the characters themselves,
//   any other \ disappears; BREAK (in capitals, a word of its own) ends the chunk.
// Words under different weights are tokenized apart: "(ab)c" is two words.
// Unlike in A1111, BREAK holds inside brackets too (there it becomes a word of negative weight), and (words:1.2.3) is
// text (there an error). Prompt editing [a:b:0.5], alternation [a|b], AND and <lora:…> are not part of this
// (prompt_extras.h).
#pragma once

#include "models/text/clip_tokenizer.h"
#include "models/text/learnt_words.h"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace sfumato {

/// A stretch of a prompt under one weight.
struct prompt_part {
    std::string text;
    double weight = 1;
    bool breaks = false; // a BREAK stands before it

    bool operator==(prompt_part const&) const = default;
};

/// At least one part; neighbours differ in weight or have a BREAK between them. Throws error: a weight that is too
/// large.
std::vector<prompt_part> parse_prompt(std::string_view prompt);

/// What a text encoder takes, one chunk after the other: BOS, up to 75 tokens, EOS, padding.
struct prompt_chunks {
    static constexpr std::size_t length = 77;

    std::vector<std::array<std::int32_t, length>> ids; // [chunks, 77]
    std::vector<std::array<float, length>> weights;    // [chunks, 77]; BOS, EOS and padding have 1

    bool operator==(prompt_chunks const&) const = default;
};

/// At least one chunk. Where a chunk is full, what stands after its last comma moves to the next one, if that is at
/// most 20 tokens. What is not drawn as words (prompt_extras.h) is taken out and told of. Throws error: a weight that
/// is too large, more than 64 KiB of text or 64 chunks. A learnt word becomes tokens behind the vocabulary's: the first
/// word's vectors are vocabulary.size, vocabulary.size + 1 …, then the next one's. All of it goes into one chunk.
prompt_chunks make_chunks(std::string_view prompt, clip_vocabulary const& = {},
                          std::vector<std::string>* warnings = nullptr, std::span<learnt_word const> learnt = {});

/// What T5 takes: one sequence, however long.
struct t5_prompt {
    static constexpr std::size_t least = 77, most = 1024;

    std::vector<std::int32_t> ids; // the text's, </s>, padding
    std::vector<float> weights;    // </s> and padding have 1
};

/// Padded to `least` tokens; `vocabulary` as t5_tokenize() takes it. BREAK is a gap between words. Throws error: as
/// make_chunks, or more than `most` tokens.
t5_prompt make_t5_prompt(std::string_view prompt, int vocabulary);
/// Pads the shorter one.
void match_lengths(t5_prompt&, t5_prompt&);

/// Repeats the chunks of both until there are as many: the least common multiple. Attention over keys that come twice
/// is attention over them once, so each side of the guidance sees just its own prompt, as when A1111 runs the two
/// apart; ComfyUI repeats, too. Throws error where more than 64 would be needed.
void match_chunk_counts(prompt_chunks& positive, prompt_chunks& negative);

/// What an encoder made of a chunk, or T5 of a prompt, weighted as A1111 does: each token times its weight, then
/// everything scaled so that the mean is what it was. `context` is [tokens, channels], `weights` [tokens].
void apply_weights(std::span<float> context, std::span<float const> weights);

} // namespace sfumato
