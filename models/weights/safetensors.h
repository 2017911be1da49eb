// The safetensors format: u64 length of the header, a JSON header {name: {dtype, shape, data_offsets}}, the data.
// https://github.com/huggingface/safetensors#format
#pragma once

#include "models/weights/checkpoint.h"
#include "models/weights/mapped_file.h"

namespace sfumato {

/// Could these be the first bytes of such a file?
bool is_safetensors(std::span<std::byte const>);

/// Every tensor under its own name, mapped. Everything is checked: the header's length (at most 100 MB), each type,
/// shape and place, that no two overlap, that no name comes twice. Throws error.
checkpoint read_safetensors(mapped_file const&, std::string const& source);

/// Float numbers as a tensor to write; they must outlive it.
stored_tensor f32_tensor(std::vector<std::int64_t> shape, std::span<float const> values);

/// Writes tensors of any type (not blocks) in the order of their names; metadata: an object of strings. The file
/// appears under its name when it is complete. Throws error.
void write_safetensors(std::filesystem::path const&, std::map<std::string, stored_tensor, std::less<>> const&,
                       nlohmann::json const& metadata = {});

} // namespace sfumato
