#include "models/networks/latent_format.h"

#include <cmath>

namespace sfumato {

namespace {

// Least squares of decoded pictures on their latents, as ComfyUI has them for Stable Diffusion 1 and 2, and for XL.
constexpr std::array<float, 3> sd1_factors[] = {{0.3512f, 0.2297f, 0.3227f},
                                                {0.3250f, 0.4974f, 0.2350f},
                                                {-0.2829f, 0.1762f, 0.2721f},
                                                {-0.2120f, -0.2616f, -0.7177f}};
constexpr std::array<float, 3> xl_factors[] = {{0.3920f, 0.4054f, 0.4549f},
                                               {-0.2634f, -0.0196f, 0.0653f},
                                               {0.0568f, 0.1687f, -0.0755f},
                                               {-0.3112f, -0.2359f, -0.2076f}};

} // namespace

latent_format latent_format_of(vae_config const& c) {
    latent_format f{
        .channels = c.z_channels, .cell = 1 << (c.channel_mult.size() - 1), .scale = c.scale, .shift = c.shift};
    if (c.z_channels == 4)
        f.preview_factors = std::abs(c.scale - xl_latent_scale) < 1e-4
                                ? std::span<std::array<float, 3> const>(xl_factors)
                                : std::span<std::array<float, 3> const>(sd1_factors);
    return f;
}

} // namespace sfumato
