// The model-free fill: patches from the surroundings, matched and blended from coarse to fine.
// Y. Wexler, E. Shechtman, M. Irani, "Space-Time Completion of Video", PAMI 2007 (the iteration); C. Barnes et al.,
// "PatchMatch", SIGGRAPH 2009 (the search); A. Newson et al., "Video Inpainting of Complex Scenes", SIAM J. Imaging
// Sciences 2014 (texture beside colours); S. Darabi et al., "Image Melding", SIGGRAPH 2012 (votes for gradients).
#pragma once

#include "compute/ops_fill.h"
#include "request/picture.h"

#include <cstddef>

namespace sfumato {

/// What is decided before anything is recorded, from the selection's shape alone.
struct patch_fill_shape {
    rect hole;                 // bounds of the selection
    std::ptrdiff_t pixels = 0; // of the hole
    int levels = 0;            // of the pyramid; 0: nowhere a whole patch to copy, so the fill is smooth
    bool opaque = false;       // everywhere that is known
    int cell = 1;              // at the coarsest level, one first candidate in each cell × cell pixels
};

/// Throws error when nothing is selected, or nothing is left to fill from.
patch_fill_shape plan_patch_fill(picture const&, mask const& selection);

/// What somebody else, a network, made of the whole picture, and what the fill shall look like; patches give it the
/// details that it lacks.
struct fill_guide {
    tensor pixels;   // [any h, any w, 4], opaque
    double blur = 1; // details smaller than so many pixels are not in it
};

/// Records the fill. Returns the pixels of `area` [h, w, 4] with straight alpha; they mean something in the hole only.
/// With a guide they are opaque.
tensor patch_fill(graph&, tensor const& picture, tensor const& selection, patch_fill_shape const&, window const& area,
                  std::uint32_t seed, fill_guide const* = nullptr);

} // namespace sfumato
