#include "models/pipelines/diffusion/small_pictures.h"

#include "models/pipelines/upscale/upscale.h"
#include "request/memory_client.h"
#include "request/model_summary.h"

#include <algorithm>
#include <utility>

namespace sfumato {

int enlargement_for(pixel_size asked, int native) {
    if (usual_side(native) == native) return 1;
    double const ratio = double(asked.width) * asked.height / (double(native) * native);
    return ratio < 2 ? 1 : ratio < 8 ? 2 : 4;
}

double work_of_enlarging(pixel_size small, int factor) {
    double const weights = factor == 1 ? 0 : factor == 2 ? 0.13e6 : 0.23e6; // models/catalog/sfumato-upscale.md
    return 2 * weights * small.width * small.height;
}

picture shrunk(picture const& p, int factor) {
    picture to((p.width + factor - 1) / factor, (p.height + factor - 1) / factor);
    auto const pixel = [&](int x, int y) {
        return &p.pixels[4 * (std::size_t(std::min(y, p.height - 1)) * p.width + std::min(x, p.width - 1))];
    };
    float* out = to.pixels.data();
    for (int y = 0; y < to.height; ++y)
        for (int x = 0; x < to.width; ++x, out += 4)
            for (int i = 0; i < factor * factor; ++i) {
                float const* const from = pixel(x * factor + i % factor, y * factor + i / factor);
                for (int channel = 0; channel < 4; ++channel) out[channel] += from[channel] / float(factor * factor);
            }
    return to;
}

std::optional<picture> enlarged(device& d, shelf& models, picture small, int factor, job const& j) {
    if (factor == 1) return small;
    memory_client client;
    request const r = resolve({.operation = operation::upscale, .upscale = {.scale = double(factor)}});
    client.pictures["picture"] = std::move(small);
    if (!upscale(d, open_upscaler(models, r.upscale), client.input(r), client, j)) return std::nullopt;
    return std::move(client.results.front().picture); // one part: it is small
}

} // namespace sfumato
