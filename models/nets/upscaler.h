// Networks that enlarge or restore a picture, whichever a checkpoint holds.
#pragma once

#include "models/nets/upscaler_input.h"
#include "models/networks/upscaler.h"

#include <optional>

namespace sfumato {

/// w: the checkpoint's root. image [n, h, w, 3] in 0 … 1 → [n, (h − 2·margin)·scale, (w − 2·margin)·scale, 3] f32, not
/// clamped. What is between is stored as `storage`, the image's type when not set; networks that add the picture to
/// what they found take it as it is.
/// `means`: of a picture of which `image` is a tile, where the network takes in means of the whole.
tensor upscaler(scope const& w, upscaler_config const&, tensor const& image, std::optional<dtype> storage = {},
                whole_means* means = nullptr);

} // namespace sfumato
