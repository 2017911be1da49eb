// Models that are part of the program: models/catalog, embedded by models/library/embed_models.py.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

struct built_in_model {
    std::string_view name;           // "upscale-x2"
    std::span<std::byte const> file; // safetensors
};

std::span<built_in_model const> built_in_models();

/// Throws error for an unknown model.
checkpoint built_in_checkpoint(std::string_view name);

} // namespace sfumato
