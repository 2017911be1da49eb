// Where a model saw an inpaint's context smaller than it is, what it made lacks detail. A second pass makes it anew in
// part, at full size, in tiles that the model was trained for.
#pragma once

#include "models/pipelines/diffusion/inpaint_masks.h"
#include "models/pipelines/diffusion/inpaint_window.h"

#include <vector>

namespace sfumato {

/// All tiles have one size, and overlap their neighbours; each is made after those before it, and begins with what
/// these have made.
struct detail_tiles {
    std::vector<rect> places; // of the context, row by row; none: the model has seen all of it
    inpaint_window window{};  // of each
    int overlap = 0;          // pixels, at least

    bool empty() const { return places.empty(); }
};

/// Over what is made anew and its ring, for a model that was trained on squares of `native` pixels a side.
detail_tiles tiles_of(inpaint_masks const&, inpaint_window const&, int native, int cell);

/// Lays `made` over `whole` at `place`: all of it, but where a neighbour to the left or above has been it grows out of
/// that. `above`: what `whole` was before this row of tiles.
void blend(picture& whole, picture const& above, picture const& made, rect const& place, detail_tiles const&);

} // namespace sfumato
