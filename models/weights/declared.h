// What a model says of itself beside its tensors. Foreign text: whatever is not as expected is as if it were not there.
#pragma once

#include "models/prediction.h"
#include "models/weights/checkpoint.h"
#include "models/weights/networks.h"

#include <optional>
#include <string>

namespace sfumato {

/// Metadata "config" of models of the golden kind (models/weights/procedural.h) and, in metadata "diffusers", the
/// config.json of a diffusers folder's parts; in metadata "ncnn" what a graph of ncnn does beside its network.
struct declared_model {
    std::optional<sfumato::prediction> prediction;
    std::string prediction_source;         // where it says so
    int unet_heads = 0, unet_head_dim = 0; // one of them, or neither
    int text_heads = 0;
    std::optional<bool> quick_gelu;
    int text_layers_left_out = -1; // of those in the file, at the end; −1: it does not say
    std::optional<double> vae_scale, vae_shift;
    int native_size = 0; // pixels; 0: it does not say
    double resize = 1;   // of what an upscaler's network makes
    bool pro = false;    // Real-CUGAN's "pro" models
};

declared_model read_declared(nlohmann::json const& metadata);

} // namespace sfumato
