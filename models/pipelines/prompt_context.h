// Prompts to what the UNet sees of them.
#pragma once

#include "models/job.h"
#include "models/pipelines/diffusion_model.h"
#include "models/text/prompt.h"

#include <optional>
#include <vector>

namespace sfumato {

/// [tokens, channels]: 77 tokens for each chunk of the prompt.
struct prompt_context {
    int tokens = 0, channels = 0;
    std::vector<float> values;
};

/// A run of the text encoder: the graph, and where its inputs and results are.
struct text_graph {
    graph g;
    tensor ids;     // [chunks, 1, 77, 1] u32
    tensor context; // [chunks, 1, 77, channels] f32
};
text_graph record_text(target const&, weight_store&, text_encoder_config const&, int chunks, dtype storage);

/// Encodes all chunks of all prompts at once, with the model's text encoder (its config may be one with layers left
/// out); loads the encoder and lets it go. Nothing: cancelled.
std::optional<std::vector<prompt_context>> encode_prompts(device&, diffusion_model&, text_encoder_config const&,
                                                          std::vector<prompt_chunks> const&, dtype storage, job const&);

} // namespace sfumato
