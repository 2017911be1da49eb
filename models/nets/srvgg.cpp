#include "models/nets/srvgg.h"

namespace sfumato {

tensor forward(scope const& w, srvgg_config const& c, upscaler_input const& in) {
    scope const body = w["body"];
    tensor h = cast(w.g, in.image, in.storage);
    for (int i = 0; i <= 2 * c.convolutions; i += 2) {
        if (w.tapped()) body[i].tap(conv2d(body[i], h));
        tensor const slopes = w.store.vector(w.g, body[i + 1].name("weight"));
        h = body[i + 1].tap(conv2d(body[i], h, same_3x3, {.activation = activation::prelu, .slopes = slopes}));
    }
    scope const last = body[2 * c.convolutions + 2];
    return pixel_shuffle(w.g, last.tap(conv2d(last, h, same_3x3, {.type = dtype::f32})), c.scale, in.image);
}

} // namespace sfumato
