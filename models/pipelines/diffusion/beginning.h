// What a run of the denoiser begins with: noise, a picture, or a picture with a mask.
#pragma once

#include "models/pipelines/diffusion/latent_codec.h"
#include "models/sampling/samplers.h"

#include <optional>
#include <vector>

namespace sfumato {

/// How much of a picture is made anew where: inpainting with an ordinary model.
struct known_latent {
    /// [height, width]: the strength there. 1: from the first step on; 0: never, the picture stays; between: from the
    /// step on where so much of the run is left ("differential diffusion", Levin and Fried 2023).
    std::vector<float> mask;
    latent image;             // the denoiser's scale
    std::vector<float> noise; // as image.values
};

struct beginning {
    latent x;                     // with as much noise as the run begins from
    std::vector<float> further{}; // [height, width, in_channels − out_channels]: what an inpainting model is shown
    std::optional<known_latent> known{};
};

/// The pictures of a run, as latents; none: the run has no such picture.
struct known_pictures {
    latent const* from = nullptr; // to begin with, or around the mask
    std::vector<float> mask{};    // [height, width] as known_latent has it; empty: all is made anew
    // What an inpainting model is shown.
    latent const* shown = nullptr; // with mid-grey where …
    std::vector<float> hole{};     // [height, width] … this is 1; empty: everywhere
};

/// txt2img (no picture), img2img (`from`) and inpainting (`mask`, or what an inpainting model is shown, or both).
/// `is_inpainting`: the model is one. `begins_with_noise`: `from` is only what stays around the mask.
beginning begin(sampling_run const&, latent noise, known_pictures const&, bool is_inpainting,
                bool begins_with_noise = false);

} // namespace sfumato
