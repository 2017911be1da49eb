// What a run of a pipeline is given and what it gives back, whichever operation: what travels between the plug-in and
// the engine.
#pragma once

#include "models/picture.h"
#include "models/pipelines/upscale_parts.h"
#include "models/request.h"

#include <optional>
#include <vector>

namespace sfumato {

/// What a network takes in of the whole picture where that is given in tiles (upscaler_shape::has_means): means over
/// its colours, and over its alpha; none: not found yet.
struct network_means {
    std::vector<std::vector<float>> colours, alpha;
    bool operator==(network_means const&) const = default;
};
/// Of each time that the network goes over the picture.
using picture_means = std::vector<network_means>;

struct run_input {
    sfumato::request request;
    sfumato::picture picture;
    mask selection;    // of inpaint: the picture's size; of upscale: none (0 × 0)
    upscale_part part; // of upscale: what of a larger picture this is
    /// Of an upscale in several parts, which must have the same means: those that the earlier parts' results came with;
    /// what is not there is found, where this part needs it. Nothing: this is the whole picture.
    std::optional<picture_means> means{};
};

/// A rectangle to put back as a layer.
struct run_result {
    int x = 0, y = 0;      // of inpaint: where in the picture that was given; of upscale: 0, the pixels of part.to
    picture filled;        // of inpaint: where `composite` is 0 they equal the given ones bit for bit
    mask composite;        // of inpaint: same size; full inside the selection, soft at the rim, 0 elsewhere. Else none
    picture_means means{}; // of an upscale in parts: those that were given, and what was found
};

} // namespace sfumato
