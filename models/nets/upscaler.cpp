#include "models/nets/upscaler.h"

#include "models/nets/cunet.h"
#include "models/nets/rrdbnet.h"
#include "models/nets/srvgg.h"
#include "models/nets/upconv7.h"

#include <algorithm>

namespace sfumato {

namespace {

// Its 15 convolutions a block see further, but ever less of it: tests/bench/LOG.md, 2026-11-24, has what was measured.
upscaler_shape shape_of(rrdbnet_config const& c) {
    int const reach = std::min(8 + 7 * c.blocks, 72);
    return {.scale = (1 << c.upsamples) / c.unshuffle, .multiple = c.unshuffle, .reach = reach * c.unshuffle};
}
// Each convolution sees one pixel further.
upscaler_shape shape_of(srvgg_config const& c) { return {.scale = c.scale, .reach = c.convolutions + 2}; }
// These see nothing beyond what their margins hold.
upscaler_shape shape_of(upconv7_config const&) { return {.scale = 2, .margin = upconv7_margin}; }
upscaler_shape shape_of(cunet_config const& c) {
    auto const [margin, multiple] = edges_of(c);
    return {.scale = c.scale, .multiple = multiple, .margin = margin};
}
upscaler_shape shape_of(cugan_config const& c) {
    auto const [margin, multiple] = edges_of(c);
    return {.scale = c.scale, .multiple = multiple, .margin = margin};
}

tensor run(scope const& w, rrdbnet_config const& c, tensor const& image, dtype storage, whole_means&) {
    return rrdbnet(w, c, image, storage);
}
tensor run(scope const& w, srvgg_config const& c, tensor const& image, dtype storage, whole_means&) {
    return srvgg(w, c, image, storage);
}
tensor run(scope const& w, upconv7_config const& c, tensor const& image, dtype storage, whole_means&) {
    return upconv7(w, c, image, storage);
}
tensor run(scope const& w, cunet_config const& c, tensor const& image, dtype storage, whole_means& means) {
    return cunet(w, c, image, storage, means);
}
tensor run(scope const& w, cugan_config const& c, tensor const& image, dtype storage, whole_means& means) {
    return cugan(w, c, image, storage, means);
}

} // namespace

upscaler_shape shape_of(upscaler_config const& c) {
    return std::visit([](auto const& of) { return shape_of(of); }, c);
}

tensor upscaler(scope const& w, upscaler_config const& c, tensor const& image, std::optional<dtype> storage,
                whole_means* means) {
    whole_means own;
    return std::visit(
        [&](auto const& of) { return run(w, of, image, storage.value_or(image.type), means ? *means : own); }, c);
}

bool has_means(upscaler_config const& c) {
    return std::holds_alternative<cunet_config>(c) || std::holds_alternative<cugan_config>(c);
}

} // namespace sfumato
