#include "models/pipelines/diffusion/latent_preview.h"

#include "compute/error.h"
#include "models/library/family.h"
#include "models/nets/taesd.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

codec_graph record_preview(target const& to, weight_store& weights, int height, int width, dtype storage) {
    graph g(to.storing(storage));
    g.stage(say("preview"));
    taesd_config const config = *describe_model(weights.source()).taesd;
    tensor const in = g.input({.h = height, .w = width, .c = config.z_channels});
    tensor const out = taesd_decode(scope(g, weights, ""), config, cast(g, in, storage));
    g.output(out);
    return {std::move(g), in, out};
}

} // namespace

picture latent_preview(latent const& l, latent_format const& format) {
    int const channels = l.channels;
    assert(std::size_t(channels) == format.preview_factors.size());
    picture p(l.width, l.height);
    for (std::size_t cell = 0; cell * channels < l.values.size(); ++cell)
        for (int c = 0; c < 4; ++c) {
            float sum = format.preview_bias[c % 3];
            for (int i = 0; i < channels; ++i) sum += format.preview_factors[i][c % 3] * l.values[cell * channels + i];
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

void check_preview_model(checkpoint const& file, latent_format const& format) {
    auto const is = require_model(file).taesd;
    if (!is || !is->decoder)
        fail("'{}' holds no decoder of TAESD; previews are made by taesd_decoder.safetensors.", file.source);
    if (is->z_channels != format.channels)
        fail("The TAESD in '{}' is made for latents of {} channels, not {}: choose the one for this model.",
             file.source, is->z_channels, format.channels);
}

} // namespace sfumato
