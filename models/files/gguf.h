// The GGUF format, versions 2 and 3, as image models come in it.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/mapped_file.h"

namespace sfumato {

bool is_gguf(std::span<std::byte const> bytes);

/// Every tensor, mapped; of block formats that no kernel reads (models/files/ggml_blocks.h), as halves. Shapes
/// outermost first; those whose rows do not divide into blocks are stored flat, and their true shape is in the metadata
/// (comfy.gguf.orig_shape.NAME). metadata: all texts and numbers. Throws error.
checkpoint read_gguf(mapped_file const&, std::string const& source);

} // namespace sfumato
