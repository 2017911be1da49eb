// The folder layout of diffusers: model_index.json, and one folder with config.json and weights for each network. Also
// one such network's folder alone.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

bool is_diffusers_folder(std::filesystem::path const&);

/// The tensors of all networks, with the single file's prefixes but diffusers' names; metadata "diffusers": the config
/// of each folder. Weights: *.safetensors, whole or in pieces with an index, or PyTorch's *.bin; fp16 variants where
/// there is no other. Throws error: a part is missing or damaged.
checkpoint read_diffusers_folder(std::filesystem::path const&, std::string const& source);

} // namespace sfumato
