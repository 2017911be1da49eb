#include "models/networks/latent_format.h"

namespace sfumato {

namespace {

// Least squares of decoded pictures on their latents, as ComfyUI has them for Stable Diffusion 1 and 2.
constexpr std::array<float, 3> sd1_factors[] = {{0.3512f, 0.2297f, 0.3227f},
                                                {0.3250f, 0.4974f, 0.2350f},
                                                {-0.2829f, 0.1762f, 0.2721f},
                                                {-0.2120f, -0.2616f, -0.7177f}};

} // namespace

latent_format latent_format_of(vae_config const& c) {
    latent_format f{
        .channels = c.z_channels, .cell = 1 << (c.channel_mult.size() - 1), .scale = c.scale, .shift = c.shift};
    if (c.z_channels == 4) f.preview_factors = sd1_factors;
    return f;
}

} // namespace sfumato
