// Text to image, and image to image: a request with a diffusion model becomes pictures.
#pragma once

#include "models/job.h"
#include "models/picture.h"
#include "models/pipelines/diffusion_model.h"
#include "models/pipelines/memory_plan.h"
#include "models/pipelines/warm.h"
#include "models/request.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace sfumato {

class device;

using open_models = warm<diffusion_model>;

/// What a caller may want to know on the way.
struct generate_watch {
    std::function<void(memory_plan const&)> planned = [](memory_plan const&) {};
    std::function<void(picture const&)> preview;       // the picture as predicted in each step; none: nobody looks
    std::shared_ptr<checkpoint const> preview_decoder; // TAESD; none: previews have a pixel a latent cell
};

/// One picture for each of the batch, 0 … 1. `from`: the picture that img2img starts with, else null; the results have
/// its size and transparency. An inpainting model makes everything anew, as it would in A1111. Nothing: cancelled.
/// Throws error: the model's file, no memory, device lost, or a result that is no picture.
std::optional<std::vector<picture>> generate(device&, open_models&, request const&, picture const* from, job const&,
                                             generate_watch const& = {});

} // namespace sfumato
