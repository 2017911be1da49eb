// Networks that enlarge or restore a picture, whichever a checkpoint holds.
#pragma once

#include "models/nets/cunet.h"
#include "models/nets/scope.h"
#include "models/weights/networks.h"

#include <optional>

namespace sfumato {

/// How a network's result lies over its input.
struct upscaler_shape {
    int scale = 1;    // pixels of the result for a pixel of the picture, along each side
    int multiple = 1; // the input's sides must be multiples of it
    int margin = 0;   // pixels of the input at each side that have no result (convolutions without padding)
    /// Pixels further away than this change nothing that can be seen (1e-3 of white): tiles overlap by it. For networks
    /// that take in a mean over the whole input it holds for the rest of them.
    int reach = 0;
};
upscaler_shape shape_of(upscaler_config const&);

/// w: the checkpoint's root. image [n, h, w, 3] in 0 … 1 → [n, (h − 2·margin)·scale, (w − 2·margin)·scale, 3] f32, not
/// clamped. What is between is stored as `storage`, the image's type when not set; networks that add the picture to
/// what they found take it as it is.
/// `means`: of a picture of which `image` is a tile, where the network takes in means of the whole (has_means).
tensor upscaler(scope const& w, upscaler_config const&, tensor const& image, std::optional<dtype> storage = {},
                whole_means* means = nullptr);
bool has_means(upscaler_config const&);

} // namespace sfumato
