// A selection as a diffusion model needs it: what is made anew, and how much of that is seen. Both follow from exact
// distances, so they are round and without direction.
#pragma once

#include "models/pipelines/picture_pass.h"

namespace sfumato {

/// Of the context, [height, width] each.
struct inpaint_masks {
    mask denoise;   // how much is made anew: all that is selected, less and less up to `edge` pixels beyond it
    mask composite; // how much of that is seen: all of it well beyond the selection, none where nothing is made anew
    mask beyond;    // distance to what is made anew, in pixels; 0 within; at most `ring` + 1
    int ring = 0;   // pixels around it that what was made is compared in
};

/// A soft selection keeps its values where they are more. Nothing: cancelled.
std::optional<inpaint_masks> masks_of(device&, shelf const&, mask const& selection, int edge, job const&);

/// What that takes on the device: bytes.
std::uint64_t bytes_of_masks(device&, pixel_size);

/// 1 where `m` is at least `least`, else 0.
mask cut(mask const& m, float least);

} // namespace sfumato
