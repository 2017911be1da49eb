// A network goes once over a part of a picture, tile by tile.
#pragma once

#include "models/job.h"
#include "models/pipelines/upscale_model.h"
#include "models/pipelines/upscale_tiles.h"

#include <optional>

namespace sfumato {

class device;

/// What a picture needs beside the network.
struct beside_network {
    bool continued_colours = false; // it has transparent pixels
    bool lanczos = false;           // or colours beyond 0 … 1
};
beside_network needs_of(picture const&);

/// `given`: the pixels of part.from → those of part.to. `scale`: at most the network's own, where that is above 1.
/// `cut`: of that part. Nothing: cancelled. Throws error: no memory, device lost, or colours that are no numbers.
std::optional<picture> upscale_pass(device&, upscale_model&, picture const& given, upscale_part const&, double scale,
                                    upscale_tiles const& cut, dtype storage, job const&);

} // namespace sfumato
