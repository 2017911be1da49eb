// Text to image, and image to image: a request with a diffusion model becomes pictures.
#pragma once

#include "models/job.h"
#include "models/picture.h"
#include "models/pipelines/diffusion_model.h"
#include "models/pipelines/memory_plan.h"
#include "models/request.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace sfumato {

class device;

/// Keeps the model of the last request, so that the next one with it starts warm.
struct open_models {
    std::shared_ptr<diffusion_model> last;
    diffusion_model& open(diffusion_settings const&, std::optional<dtype> precision);
};

/// What a caller may want to know on the way.
struct generate_watch {
    std::function<void(memory_plan const&)> planned = [](memory_plan const&) {};
    std::function<void(picture const&)> preview; // a small picture after each step: 1 pixel a latent cell
};

/// The size that a request of txt2img means, or for img2img the given picture's, up to multiples of 8.
struct pixel_size {
    int width = 0, height = 0;
};
pixel_size size_of(diffusion_settings const&, model_description const&, picture const* from);

/// One picture for each of the batch, 0 … 1. `from`: the picture that img2img starts with, else null; the results have
/// its size and transparency. `precision`: of weights and activations; none: as the device likes it. Nothing:
/// cancelled. Throws error: the model's file, no memory, device lost, or a result that is no picture.
std::optional<std::vector<picture>> generate(device&, open_models&, request const&, picture const* from,
                                             std::optional<dtype> precision, job const&, generate_watch const& = {});

} // namespace sfumato
