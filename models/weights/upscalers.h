// Upscalers: which network, and of which sizes, the tensors of a checkpoint are.
#pragma once

#include "models/weights/checkpoint.h"
#include "models/weights/networks.h"

#include <optional>
#include <string>

namespace sfumato {

/// From canonical names (models/weights/layout.h). Nothing where no tensor tells of one; else the sizes need not fit
/// all tensors: difference() and surplus() say.
std::optional<upscaler_config> upscaler_sizes(checkpoint const&);

/// Pixels of the result for a pixel of the picture, along a side; 0: the result would be smaller than the picture.
int scale_of(upscaler_config const&);

/// "RRDBNet ×4"
std::string name_of(upscaler_config const&);

/// Its sizes, a clause: "23 blocks of 64 channels".
std::string sizes_in_words(upscaler_config const&);

} // namespace sfumato
