// Words of a prompt that the user has taught (textual inversion): their files are found and read.
#pragma once

#include "models/pipelines/diffusion/diffusion_model.h"
#include "models/text/learnt_words.h"
#include "request/request.h"

namespace sfumato {

/// Those that the request's prompts hold, as a model's text encoders take them.
struct learnt_embeddings {
    std::vector<learnt_word> words;
    std::vector<std::vector<float>> vectors; // for each encoder: those of all words, one after the other, [n, width]
};

/// Files of programs' folders, called like the word. What is no such file, or not for this model, is not used, and
/// told of.
learnt_embeddings find_embeddings(diffusion_settings const&, diffusion_model const&,
                                  std::vector<std::string>& warnings);

/// The vectors in a file for an encoder of a width, [n, width]. As A1111 (emb_params, string_to_param.*), diffusers
/// (<word>) and programs for Stable Diffusion XL (clip_l, clip_g) write them: the one tensor of that width. Empty: it
/// has none, or several, or they are no numbers.
std::vector<float> vectors_of_width(checkpoint const&, int width);

} // namespace sfumato
