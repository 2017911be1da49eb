// What a family's latents are: the same for everything that makes, shows or decodes them.
#pragma once

#include "models/networks/vae.h"

#include <array>
#include <span>

namespace sfumato {

struct latent_format {
    int channels = 4;
    int cell = 8;                // pixels along a side of what one position stands for
    double scale = 1, shift = 0; // the denoiser's latent = (the VAE's − shift) · scale
    /// Of each channel, how much red, green and blue there is in a preview: picture = 0.5 + 0.5 · Σ latent · factors.
    /// Empty: not known.
    std::span<std::array<float, 3> const> preview_factors{};
};

latent_format latent_format_of(vae_config const&);

} // namespace sfumato
