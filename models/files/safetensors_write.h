// Writes safetensors files (models/files/safetensors.h has the format).
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// Float numbers as a tensor to write; they must outlive it.
stored_tensor f32_tensor(std::vector<std::int64_t> shape, std::span<float const> values);

/// Writes tensors of any type (not blocks) in the order of their names; metadata: an object of strings. The file
/// appears under its name when it is complete. Throws error.
void write_safetensors(std::filesystem::path const&, std::map<std::string, stored_tensor, std::less<>> const&,
                       nlohmann::json const& metadata = {});

} // namespace sfumato
