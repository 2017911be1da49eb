#include "models/pipelines/latent_preview.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

picture latent_preview(latent const& l) {
    // Least squares of decoded pictures on their latents, as ComfyUI has them for Stable Diffusion 1.
    constexpr float factors[4][3] = {{0.3512f, 0.2297f, 0.3227f},
                                     {0.3250f, 0.4974f, 0.2350f},
                                     {-0.2829f, 0.1762f, 0.2721f},
                                     {-0.2120f, -0.2616f, -0.7177f}};
    assert(l.channels == 4);
    picture p(l.width, l.height);
    for (std::size_t cell = 0; cell < l.values.size() / 4; ++cell)
        for (int c = 0; c < 4; ++c) {
            float sum = 0;
            for (int i = 0; i < 4; ++i) sum += factors[i][c % 3] * l.values[cell * 4 + i];
            p.pixels[cell * 4 + c] = c == 3 ? 1 : std::clamp(0.5f * sum + 0.5f, 0.0f, 1.0f);
        }
    return p;
}

} // namespace sfumato
