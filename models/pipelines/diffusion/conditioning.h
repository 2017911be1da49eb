// Prompts to what a denoiser is told of them.
#pragma once

#include "models/nets/clip.h"
#include "models/pipelines/diffusion/memory_plan.h"
#include "models/text/prompt.h"
#include "request/job.h"

#include <optional>
#include <vector>

namespace sfumato {

/// Of one prompt.
struct conditioning {
    int tokens = 0, channels = 0;
    std::vector<float> context; // [tokens, channels]: 77 tokens for each chunk of the prompt, then those of T5
    std::vector<float> pooled;  // [p]: the prompt as a whole; empty: the model takes none
};

/// A run of a text encoder: the graph, and where its inputs and results are.
struct text_graph {
    graph g;
    tensor ids;                     // [n, 1, tokens, 1] u32
    tensor context;                 // [n, 1, tokens, channels] f32
    std::optional<tensor> ends{};   // [n] u32, as pool_text() takes rows
    std::optional<tensor> pooled{}; // [n, 1, 1, p] f32
    std::optional<learnt_tokens> learnt{};
};
text_graph record_text(target const&, weight_store&, clip_config const&, int chunks, dtype storage,
                       bool has_learnt_words);
text_graph record_t5(target const&, weight_store&, t5_config const&, int prompts, int tokens);

/// What one of a model's CLIP text encoders reads.
struct encoder_input {
    clip_config config;                 // may be one with layers left out
    std::vector<prompt_chunks> prompts; // in its own tokens; of all encoders as many, each of as many chunks
    std::vector<float> learnt{};        // vectors of the tokens behind the vocabulary's, [n, width]
};

/// What all of them read.
struct text_inputs {
    std::vector<encoder_input> clips;
    std::vector<t5_prompt> t5{}; // as many, of as many tokens each; none: the model has no T5
};

/// One for each prompt: what the CLIP encoders make of it stands side by side in its channels, with zeros behind where
/// the model takes more; what T5 makes follows as further tokens. Each of the model's encoders takes its turn, with all
/// chunks of all prompts at once. Nothing: cancelled.
std::optional<std::vector<conditioning>> encode_prompts(turns const&, text_inputs const&, job const&);

} // namespace sfumato
