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
// … and of sfumato-draw's drawings on theirs.
constexpr std::array<float, 3> own_factors[] = {{0.0768f, -0.3113f, -0.3684f},
                                                {0.0165f, -0.0308f, 0.0229f},
                                                {0.5410f, 0.1828f, 0.0838f},
                                                {0.1579f, 0.0527f, -0.3085f}};
constexpr std::array<float, 3> own_bias = {0.7226f, 0.6680f, 0.5707f};

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

latent_format latent_format_of_own(vae_config const& c) {
    latent_format f = latent_format_of(c);
    f.preview_factors = own_factors;
    f.preview_bias = own_bias;
    f.is_own = true;
    return f;
}

} // namespace sfumato
