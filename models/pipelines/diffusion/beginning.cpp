#include "models/pipelines/diffusion/beginning.h"

#include <cassert>

namespace sfumato {

namespace {

latent start(sampling_run const& run, latent noise, latent const* image) {
    assert(!image || image->values.size() == noise.values.size());
    noise_level const level = image ? run.from_image : noise_level{0, run.from_noise};
    for (std::size_t i = 0; i < noise.values.size(); ++i)
        noise.values[i] = float((image ? level.image * image->values[i] : 0) + level.noise * noise.values[i]);
    return noise;
}

// The mask and the masked picture's latent, side by side.
std::vector<float> inpainting_channels(std::vector<float> const& hole, latent const& shown) {
    assert(hole.size() == std::size_t(shown.height) * shown.width);
    std::vector<float> all;
    for (std::size_t cell = 0; cell < hole.size(); ++cell) {
        all.push_back(hole[cell]);
        auto const from = shown.values.begin() + std::ptrdiff_t(cell) * shown.channels;
        all.insert(all.end(), from, from + shown.channels);
    }
    return all;
}

} // namespace

beginning begin(sampling_run const& run, latent noise, known_pictures const& p, bool is_inpainting,
                bool begins_with_noise) {
    beginning b{start(run, noise, begins_with_noise ? nullptr : p.from)};
    std::size_t const cells = std::size_t(noise.height) * noise.width;
    if (is_inpainting)
        b.further = inpainting_channels(p.hole.empty() ? std::vector<float>(cells, 1) : p.hole, *p.shown);
    if (!p.mask.empty()) b.known = known_latent{p.mask, *p.from, std::move(noise.values)};
    return b;
}

} // namespace sfumato
