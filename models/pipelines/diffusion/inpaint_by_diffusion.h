// Inpainting by a diffusion model: what is selected is made anew, after words or after its surroundings, and fitted in.
#pragma once

#include "models/pipelines/diffusion/generate.h"
#include "request/run.h"

#include <optional>

namespace sfumato {

/// `context`: what the model sees, in sRGB's colours; `selection`: of the same size. In what comes back, `picture`
/// equals what was given, bit for bit, where `mask` is 0. Nothing returned: cancelled. Throws error as generate() does.
std::optional<run_result> inpaint_by_diffusion(device&, shelf&, request const&, picture const& context,
                                               mask const& selection, job const&, generate_watch const& = {});

} // namespace sfumato
