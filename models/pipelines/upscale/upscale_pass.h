// A network goes once over a part of a picture, tile by tile.
#pragma once

#include "models/pipelines/upscale/upscale_model.h"
#include "models/pipelines/upscale/upscale_tiles.h"
#include "request/job.h"
#include "request/picture.h"

#include <optional>
#include <vector>

namespace sfumato {

class device;

/// What a network takes in of the whole picture where that is given in tiles (upscaler_shape::has_means): means over
/// its colours, and over its alpha; none: not found yet.
struct network_means {
    std::vector<std::vector<float>> colours, alpha;
    bool operator==(network_means const&) const = default;
};

/// What is computed beside the network. Looks at every pixel.
struct beside_network {
    bool continued_colours = false; // the picture has transparent pixels
    bool lanczos = false;           // or colours that the network does not see as they are
};
beside_network needs_of(picture const&, upscaler_shape const&, dtype storage);

struct upscale_pass_input {
    picture const& given; // the pixels of part.from → those of part.to
    upscale_part part;
    double scale = 1;  // at most the network's own, where that is above 1
    upscale_tiles cut; // of that part
    dtype storage = dtype::f32;
    beside_network more; // of `given`
};

/// `means`: those that all parts of the picture share; what is missing there and needed is found and put there. Null:
/// this is the whole picture. Nothing: cancelled. Throws overflow (then `means` are as they were) or error: no memory,
/// device lost.
std::optional<picture> upscale_pass(device&, upscale_model&, upscale_pass_input const&, network_means* means,
                                    job const&);

} // namespace sfumato
