// Enlarging a picture of any size: read, computed and written part by part. Whoever has the pixels calls it (the
// plug-in, the command line); who computes is theirs to say.
#pragma once

#include "models/job.h"
#include "models/pipelines/run.h"

#include <functional>
#include <optional>

namespace sfumato {

struct upscale_io {
    std::function<picture(rect const& area)> read;
    std::function<std::optional<run_result>(run_input const&, job const&)> run; // nothing: cancelled
    std::function<void(rect const& area, picture const&)> write;                // of the result
};

/// `r`: an upscale of a picture of width × height, with its model resolved. The part in the middle comes first, then
/// the others row by row; means of the picture go from each to the next, and the first in which there is something to
/// see finds them. False: cancelled. Throws error when the model cannot be used.
bool upscale_in_parts(request const& r, int width, int height, upscale_io const&, job const&);

} // namespace sfumato
