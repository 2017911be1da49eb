// A network goes once over a part of a picture, tile by tile.
#pragma once

#include "models/job.h"
#include "models/pipelines/run.h"
#include "models/pipelines/upscale_model.h"
#include "models/pipelines/upscale_tiles.h"

#include <optional>

namespace sfumato {

class device;

/// What is computed beside the network. Looks at every pixel.
struct beside_network {
    bool continued_colours = false; // the picture has transparent pixels
    bool lanczos = false;           // or colours that the network does not see as they are
};
beside_network needs_of(picture const&, upscaler_shape const&, dtype storage);

/// Whether the tiles get means of the whole picture. `shares_means`: with other parts of it.
bool needs_means(upscaler_shape const&, upscale_tiles const&, bool shares_means);

/// `given`: the pixels of part.from → those of part.to. `scale`: at most the network's own, where that is above 1.
/// `cut`: of that part. `means`: those that all parts of the picture share, or empty: they are found and put there;
/// null: this is the whole picture. Nothing: cancelled. Throws error: no memory, device lost, or colours that are no
/// numbers.
std::optional<picture> upscale_pass(device&, upscale_model&, picture const& given, upscale_part const&, double scale,
                                    upscale_tiles const& cut, dtype storage, picture_means* means, job const&);

} // namespace sfumato
