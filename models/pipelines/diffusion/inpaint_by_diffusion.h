// Inpainting by a diffusion model: what is selected is made anew, after words or after its surroundings, and fitted in.
#pragma once

#include "models/pipelines/diffusion/generate.h"
#include "request/run.h"

#include <functional>

namespace sfumato {

/// `context`: what the model sees, in sRGB's colours; `selection`: of the same size. `take` gets the results of a batch
/// one by one, each as soon as it is there: in `picture` all equals what was given, bit for bit, where `mask` is 0.
/// Where the model saw the context smaller than it is, a second pass makes what it made anew at full size, by
/// inpaint_settings::detail, from the given pixels outside the mask. False: cancelled. Throws error as generate() does.
bool inpaint_by_diffusion(device&, shelf&, request const&, picture const& context, mask const& selection, job const&,
                          std::function<void(run_result)> const& take, generate_watch const& = {});

} // namespace sfumato
