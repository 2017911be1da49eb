// Prompts to what a denoiser is told of them.
#pragma once

#include "models/pipelines/diffusion/memory_plan.h"
#include "models/text/prompt.h"
#include "request/job.h"

#include <optional>
#include <vector>

namespace sfumato {

/// Of one prompt.
struct conditioning {
    int tokens = 0, channels = 0;
    std::vector<float> context; // [tokens, channels]: 77 tokens for each chunk of the prompt
    std::vector<float> pooled;  // [p]: the prompt as a whole; empty: the model takes none
    std::vector<float> sizes;   // SDXL's six numbers of a picture; else empty
};

/// A run of a text encoder: the graph, and where its inputs and results are.
struct text_graph {
    graph g;
    tensor ids;     // [chunks, 1, 77, 1] u32
    tensor context; // [chunks, 1, 77, channels] f32
};
text_graph record_text(target const&, weight_store&, clip_config const&, int chunks, dtype storage);

/// What one of a model's text encoders reads.
struct encoder_input {
    clip_config config;                 // may be one with layers left out
    std::vector<prompt_chunks> prompts; // in its own tokens; of all encoders as many, each of as many chunks
};

/// One for each prompt: what the encoders make of it stands side by side in its channels. Each of the model's encoders
/// takes its turn, with all chunks of all prompts at once. Nothing: cancelled.
std::optional<std::vector<conditioning>> encode_prompts(turns const&, std::vector<encoder_input> const&, job const&);

} // namespace sfumato
