#include "models/pipelines/latent_preview.h"

#include "compute/error.h"
#include "models/nets/taesd.h"
#include "models/weights/family.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

codec_graph record_preview(target const& to, weight_store& weights, int height, int width, dtype storage) {
    graph g(to.storing(storage));
    g.stage("preview");
    tensor const in = g.input({.h = height, .w = width, .c = 4});
    tensor const out =
        taesd_decode(scope(g, weights, ""), *describe_model(weights.source()).taesd, cast(g, in, storage));
    g.output(out);
    return {std::move(g), in, out};
}

} // namespace

picture latent_preview(latent const& l) {
    // Least squares of decoded pictures on their latents, as ComfyUI has them for Stable Diffusion 1 and 2.
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

preview_decoder::preview_decoder(device& d, std::shared_ptr<checkpoint const> taesd, int height, int width,
                                 dtype storage)
    : weights_(std::move(taesd)) {
    codec_graph recorded = record_preview(d.target(), weights_, height, width, storage);
    in_ = recorded.in, out_ = recorded.out;
    weights_.load(d);
    plan_.emplace(d, std::move(recorded.g));
}

std::optional<picture> preview_decoder::decode(latent const& l, job const& j) {
    plan_->upload<float>(in_, l.values);
    if (!plan_->run([&](auto&&...) { return !j.is_cancelled(); })) return std::nullopt;
    picture p = picture_of(plan_->download<float>(out_), out_.shape.h, out_.shape.w);
    for (float& v : p.pixels) v = std::clamp(v, 0.0f, 1.0f);
    return p;
}

std::uint64_t preview_decoder::bytes(device& d, std::shared_ptr<checkpoint const> taesd, int height, int width,
                                     dtype storage) {
    weight_store weights(std::move(taesd));
    codec_graph const recorded = record_preview(d.target(), weights, height, width, storage);
    return weights.bytes(d, residence::device) +
           std::max<std::uint64_t>(weights.loading_bytes(d), plan::peak_bytes(recorded.g));
}

void check_preview_model(checkpoint const& file) {
    auto const is = require_model(file).taesd;
    if (!is || !is->decoder)
        fail("'{}' holds no decoder of TAESD; previews are made by taesd_decoder.safetensors.", file.source);
    if (is->z_channels != 4)
        fail("The TAESD in '{}' is made for latents of {} channels, not 4: choose the one for Stable Diffusion 1.",
             file.source, is->z_channels);
}

} // namespace sfumato
