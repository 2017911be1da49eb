// Inpainting: fills the selected part of a picture from its surroundings.
#pragma once

#include "request/job.h"
#include "request/run.h"

#include <optional>

namespace sfumato {

class device;
class shelf;

/// What a network made of the whole picture, and what the fill goes after.
struct inpaint_guide {
    picture made;    // of the same size or scaled down; to plan, its size is enough
    double blur = 1; // details smaller than so many pixels are not in it
};

/// Fills `selection` (same size as `picture`, the context box already cropped). Deterministic for a request on a
/// device. In what comes back, `picture` equals what was given, bit for bit, where `mask` is 0. Weights of
/// models on the shelf go where their room is needed. Nothing returned: cancelled. Throws error: nothing selected,
/// nothing left to fill from, no memory, device lost.
std::optional<run_result> inpaint(device&, shelf const&, request const&, picture const&, mask const& selection,
                                  job const&, inpaint_guide const* = nullptr);

/// What that takes.
run_plan plan_of_inpaint(device&, shelf const&, request const&, picture const&, mask const& selection,
                         inpaint_guide const* = nullptr);

} // namespace sfumato
