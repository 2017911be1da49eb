#include "models/nets/upscaler.h"

#include "compute/error.h"
#include "models/nets/rrdbnet.h"
#include "models/nets/srvgg.h"

#include <cassert>

namespace sfumato {

namespace {

upscaler_shape shape_of(rrdbnet_config const& c) {
    return {.scale = (1 << c.upsamples) / c.unshuffle, .multiple = c.unshuffle, .reach = 32 * c.unshuffle};
}
// Its convolutions see one pixel further each.
upscaler_shape shape_of(srvgg_config const& c) { return {.scale = c.scale, .reach = c.convolutions + 2}; }
upscaler_shape shape_of(upconv7_config const&) { return {.scale = 2, .margin = 7, .reach = 7}; }
upscaler_shape shape_of(cunet_config const& c) { return {.scale = c.scale}; }
upscaler_shape shape_of(cugan_config const& c) { return {.scale = c.scale}; }

tensor run(scope const& w, rrdbnet_config const& c, tensor const& image, dtype storage) {
    return rrdbnet(w, c, image, storage);
}
tensor run(scope const& w, srvgg_config const& c, tensor const& image, dtype storage) {
    return srvgg(w, c, image, storage);
}

template <class Config> tensor run(scope const& w, Config const&, tensor const&, dtype) {
    fail("networks like that in '{}' cannot be run yet", w.store.source().source);
}

} // namespace

upscaler_shape shape_of(upscaler_config const& c) {
    return std::visit([](auto const& of) { return shape_of(of); }, c);
}

tensor upscaler(scope const& w, upscaler_config const& c, tensor const& image, std::optional<dtype> storage) {
    return std::visit([&](auto const& of) { return run(w, of, image, storage.value_or(image.type)); }, c);
}

} // namespace sfumato
