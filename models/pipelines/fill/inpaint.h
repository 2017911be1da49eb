// Inpainting: fills the selected part of a picture from its surroundings.
#pragma once

#include "request/job.h"
#include "request/run.h"

#include <optional>

namespace sfumato {

class device;

/// Fills `selection` (same size as `picture`, the context box already cropped). Deterministic for a request on a
/// device. In what comes back, `picture` equals what was given, bit for bit, where `mask` is 0. Nothing returned:
/// cancelled. Throws error: nothing selected, nothing left to fill from, no memory, device lost.
std::optional<run_result> inpaint(device&, request const&, picture const&, mask const& selection, job const&);

/// What that takes.
run_plan plan_of_inpaint(device&, request const&, picture const&, mask const& selection);

} // namespace sfumato
