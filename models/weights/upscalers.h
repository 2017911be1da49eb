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

/// How a network's result lies over its input, in pixels of the input.
struct upscaler_shape {
    int scale = 1;          // pixels of the result for one of the input, along a side; 0: the result would be smaller
    int multiple = 1;       // the input's sides must be multiples of it
    int margin = 0;         // pixels at each side that have no result (convolutions without padding)
    int reach = 0;          // those further away change nothing that can be seen (1e-3 of white); beside the margin
    bool has_means = false; // it takes in means over the whole picture: tiles need those of the whole
    bool adds_picture = false; // the picture itself, enlarged, is a part of the result
};
upscaler_shape shape_of(upscaler_config const&);

/// "RRDBNet ×4"
std::string name_of(upscaler_config const&);

/// Its sizes, a clause: "23 blocks of 64 channels".
std::string sizes_in_words(upscaler_config const&);

} // namespace sfumato
