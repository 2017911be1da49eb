#include "models/pipelines/diffusion/small_pictures.h"

#include "models/pipelines/upscale/upscale.h"
#include "request/model_summary.h"

#include <algorithm>
#include <utility>

namespace sfumato {

int enlargement_for(pixel_size asked, int native) {
    if (!makes_small_pictures(native)) return 1;
    double const ratio = double(asked.width) * asked.height / (double(native) * native);
    int const shorter = std::min(asked.width, asked.height);
    int factor = 1;
    while (factor < largest_enlargement && ratio >= 2.0 * factor * factor && shorter >= 2 * factor * smallest_side)
        factor *= 2;
    return factor;
}

// Above 4, the network goes over what it has made.
double work_of_enlarging(pixel_size small, int factor) {
    double const weights = factor == 1 ? 0 : factor == 2 ? 0.13e6 : 0.23e6; // models/catalog/sfumato-upscale.md
    double const pixels = double(small.width) * small.height;
    return 2 * weights * (factor > 4 ? 17 * pixels : pixels);
}

picture shrunk(picture const& p, int factor) {
    picture to((p.width + factor - 1) / factor, (p.height + factor - 1) / factor);
    auto const pixel = [&](int x, int y) {
        return &p.pixels[4 * (std::size_t(std::min(y, p.height - 1)) * p.width + std::min(x, p.width - 1))];
    };
    float* out = to.pixels.data();
    for (int y = 0; y < to.height; ++y)
        for (int x = 0; x < to.width; ++x, out += 4) {
            float plain[3] = {}; // where all is transparent
            for (int i = 0; i < factor * factor; ++i) {
                float const* const from = pixel(x * factor + i % factor, y * factor + i / factor);
                for (int c = 0; c < 3; ++c) plain[c] += from[c], out[c] += from[c] * from[3];
                out[3] += from[3];
            }
            for (int c = 0; c < 3; ++c) out[c] = out[3] > 0 ? out[c] / out[3] : plain[c] / float(factor * factor);
            out[3] /= float(factor * factor);
        }
    return to;
}

std::optional<picture> enlarged(device& d, upscale_model& m, picture const& small, int factor,
                                std::optional<dtype> storage, job const& j) {
    upscale_settings const s{.model = m.chosen().source, .scale = double(factor), .dtype = storage};
    upscale_part const all{{0, 0, small.width, small.height}, {0, 0, factor * small.width, factor * small.height}};
    common_to_parts alone;
    return upscale_one_part(d, m, s, small, all, alone, j);
}

} // namespace sfumato
