// Inpainting: fills the selected part of a picture from its surroundings.
#pragma once

#include "models/job.h"
#include "models/picture.h"
#include "models/request.h"

#include <optional>

namespace sfumato {

class device;

/// A rectangle to put back as a layer with a layer mask.
struct inpaint_result {
    int x = 0, y = 0; // offset of the rectangle inside the picture that was given
    picture filled;   // the rectangle's pixels; where `composite` is 0 they equal the given ones bit for bit
    mask composite;   // same size; full inside the selection, soft at the rim, 0 elsewhere
};

/// Fills `selection` (same size as `picture`, the context box already cropped). Deterministic for a request on a
/// device. Nothing returned: cancelled. Throws error: nothing selected, nothing left to fill from, no memory, device
/// lost.
std::optional<inpaint_result> inpaint(device&, request const&, picture const&, mask const& selection, job const&);

} // namespace sfumato
