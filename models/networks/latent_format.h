// What a family's latents are: the same for everything that makes, shows or decodes them.
#pragma once

#include "models/networks/vae.h"

#include <array>
#include <span>

namespace sfumato {

/// By what Stable Diffusion XL's latents are multiplied, which tells its VAE from that of 1 and 2.
inline constexpr double xl_latent_scale = 0.13025;

struct latent_format {
    int channels = 4;
    int cell = 8;                // pixels along a side of what one position stands for
    double scale = 1, shift = 0; // the denoiser's latent = (the VAE's − shift) · scale
    /// Of each channel, how much red, green and blue there is in a preview: picture = 0.5 + 0.5 · (bias + Σ latent ·
    /// factors). Empty: not known.
    std::span<std::array<float, 3> const> preview_factors{};
    std::array<float, 3> preview_bias{};
    bool is_own = false; // sfumato-draw's: decoders of small previews are made for others
};

latent_format latent_format_of(vae_config const&);
latent_format latent_format_of_own(vae_config const&); // … of sfumato-draw

} // namespace sfumato
