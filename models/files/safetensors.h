// The safetensors format: u64 length of the header, a JSON header {name: {dtype, shape, data_offsets}}, the data.
// https://github.com/huggingface/safetensors#format
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/mapped_file.h"

namespace sfumato {

/// Could these be the first bytes of such a file?
bool is_safetensors(std::span<std::byte const>);

/// Every tensor under its own name, mapped. Everything is checked: the header's length (at most 25 MB), each type,
/// shape and place, that no two overlap, that no name comes twice. Throws error.
checkpoint read_safetensors(mapped_file const&, std::string const& source);

} // namespace sfumato
