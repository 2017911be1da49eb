// Inpainting by LaMa or MI-GAN (models/nets/filler.h), which goes on with lines and patterns where patches cannot: it
// sees the surroundings at about the size that it was trained on, and the model-free fill gives its result the
// sharpness and the grain that it lacks.
#pragma once

#include "models/pipelines/fill/inpaint.h"

namespace sfumato {

/// As inpaint(); `context` has sRGB's colours. The request names the file, or none, and then the recipe does.
std::optional<run_result> inpaint_by_lama(device&, shelf&, request const&, picture const& context,
                                          mask const& selection, job const&);

/// What that takes.
run_plan plan_of_inpaint_by_lama(device&, shelf&, request const&, picture const& context, mask const& selection);

} // namespace sfumato
