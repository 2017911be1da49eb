// Text to image, and image to image: a request with a diffusion model becomes pictures.
#pragma once

#include "models/pipelines/diffusion/memory_plan.h"
#include "request/job.h"
#include "request/picture.h"
#include "request/request.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace sfumato {

class device;

/// What a caller may want to know on the way, and what it allows.
struct generate_watch {
    std::function<void(memory_plan const&)> planned = [](memory_plan const&) {};
    std::function<void(std::string const&)> warned = [](std::string const&) {}; // of the request; before the plan
    std::function<void(picture const&)> preview;       // the picture as predicted in each step; none: nobody looks
    std::shared_ptr<checkpoint const> preview_decoder; // TAESD; none: previews have a pixel a latent cell
    /// Where a tile that the request asks for does not fit the memory, one that does is taken: almost the same picture.
    /// False: that is an error, which names it.
    bool nearest = false;
};

struct generated {
    picture made; // 0 … 1
    /// The request, for this picture alone, with everything in it that the run decided and that changes pixels: the
    /// same bits come of it whatever the memory, or an error before anything is computed.
    request recipe;
};

/// `from`: the picture that img2img starts with, else null; the results have
/// its size and transparency. An inpainting model gets a mask of everything. Where
/// the VAE's numbers do not fit 16 bits, and the request does not ask for those, that part runs once more in fp32.
/// `take` gets the pictures of a batch one by one, each as soon as it is there. False: cancelled. Throws error: the
/// model's file, no memory, device lost, or a result that is no picture.
bool generate(device&, shelf&, request const&, picture const* from, job const&,
              std::function<void(generated)> const& take, generate_watch const& = {});

} // namespace sfumato
