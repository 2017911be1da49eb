// Inpainting: fills the selected part of a picture from its surroundings.
#pragma once

#include "models/job.h"
#include "models/pipelines/run.h"

#include <optional>

namespace sfumato {

class device;

/// Fills `selection` (same size as `picture`, the context box already cropped). Deterministic for a request on a
/// device. Nothing returned: cancelled. Throws error: nothing selected, nothing left to fill from, no memory, device
/// lost.
std::optional<run_result> inpaint(device&, request const&, picture const&, mask const& selection, job const&);

} // namespace sfumato
