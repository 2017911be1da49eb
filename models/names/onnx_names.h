// Exports of LaMa and MI-GAN as ONNX. Their tensors have lost their names where the exporter folded norms, and what has
// kept them has them from whoever exported. So their layers are told by their shapes and by which of them feeds which.
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/mapped_file.h"

namespace sfumato {

/// The weights by the names of models/networks/; norms that were folded into a convolution are there again, and do
/// nothing. Throws error: damaged, or another network: then it says which layer was looked for.
checkpoint read_onnx(mapped_file const&, std::string const& source);

} // namespace sfumato
