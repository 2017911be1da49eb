// What a model's file states of it in words, beside its tensors. It is foreign text: a statement of an unknown form is
// passed over.
#pragma once

#include "models/files/checkpoint.h"
#include "request/choices.h"

#include <array>
#include <optional>
#include <string>

namespace sfumato {

/// Of a text encoder.
struct stated_text_facts {
    int heads = 0; // 0: not stated
    std::optional<bool> quick_gelu;
    int layers_left_out = -1; // of those in the file, at the end; −1: not stated
};

/// From a checkpoint's metadata: "config", as procedural models have it (models/library/procedural.h); "diffusers", the
/// config.json of each part of a diffusers folder; "yaml", what a file of the training code beside it says; "joined",
/// the metadata of the files that its other parts are from (models/library/joined.h); "ncnn", what a graph does beside
/// its network; "pro"; and what training programs write: modelspec.*, prediction_type, ss_* …
struct stated_facts {
    std::optional<sfumato::prediction> prediction;
    std::string prediction_source;     // a clause's subject: "its config"
    bool prediction_is_beside = false; // the user put it there: it counts for more than what the file holds
    bool zero_terminal_snr = false;
    std::string architecture;                 // modelspec.architecture; "": not stated
    int unet_heads = 0, unet_head_dim = 0;    // one of them is stated, or neither; 0: it is not stated
    std::array<stated_text_facts, 2> texts{}; // in the family's order
    std::optional<double> vae_scale, vae_shift;
    int native_size = 0; // pixels; 0: not stated
    double resize = 1;   // by what an upscaler's file multiplies the size that its network makes
    bool pro = false;    // one of Real-CUGAN's "pro" models
};

stated_facts read_stated_facts(nlohmann::json const& metadata);

} // namespace sfumato
