#include "models/nets/upconv7.h"

namespace sfumato {

tensor forward(scope const& w, upconv7_config const& c, upscaler_input const& in) {
    scope const net = w["net"];
    int const last = 2 * int(c.features.size()); // activations have numbers, too
    tensor h = cast(w.g, in.image, in.storage);
    for (int i = 0; i < last; i += 2) h = conv2d(net[i], h, {}, {.activation = activation::leaky_relu, .slope = 0.1f});
    return conv_transpose2d(net[last], h, 2, 3, {.type = dtype::f32});
}

} // namespace sfumato
