// Models that come with the program: models/catalog. Small ones are part of it, embedded by
// models/library/embed_models.py; sfumato-draw is a file beside it.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

struct embedded_model {
    std::string_view name;           // "upscale-x2"
    std::span<std::byte const> file; // safetensors
};
std::span<embedded_model const> embedded_models();

/// The names of all.
std::vector<std::string_view> built_in_models();

/// Throws error for an unknown model, and where the file of one is missing.
checkpoint built_in_checkpoint(std::string_view name);

} // namespace sfumato
