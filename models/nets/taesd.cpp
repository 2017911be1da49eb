#include "models/nets/taesd.h"

namespace sfumato {

namespace {

constexpr epilogue relu{.activation = activation::relu};

tensor block(scope const& b, tensor const& x) {
    scope const c = b["conv"];
    tensor const h = conv2d(c[2], conv2d(c[0], x, same_3x3, relu), same_3x3, relu);
    return b.tap(activate(b.g, conv2d(c[4], h, same_3x3, {.residual = x}), activation::relu));
}

} // namespace

tensor taesd_encode(scope const& w, taesd_config const&, tensor const& image) {
    scope const e = w["taesd_encoder"];
    tensor h = block(e[1], conv2d(e[0], scale(w.g, image, 0.5f, 0.5f))); // it works in 0 … 1
    for (int first : {2, 6, 10}) {
        h = e[first].tap(conv2d(e[first], h, {.stride = 2, .pad = {1, 1, 1, 1}}));
        for (int i = 1; i <= 3; ++i) h = block(e[first + i], h);
    }
    return e[14].tap(conv2d(e[14], h, same_3x3, {.type = dtype::f32}));
}

tensor taesd_decode(scope const& w, taesd_config const&, tensor const& latent) {
    scope const d = w["taesd_decoder"];
    tensor const clamped = activate(w.g, latent, activation::tanh_clamp);
    if (w.tapped()) d[1].tap(conv2d(d[1], clamped));
    tensor h = d[2].tap(conv2d(d[1], clamped, same_3x3, relu));
    for (int first : {3, 8, 13}) {
        for (int i = 0; i < 3; ++i) h = block(d[first + i], h);
        int const up = first + 3; // nearest ×2, folded into the convolution behind it
        if (w.tapped()) d[up].tap(resize(w.g, h, 2 * h.shape.h, 2 * h.shape.w, filter::nearest));
        h = d[up + 1].tap(conv2d(d[up + 1], h, {.pad = {1, 1, 1, 1}, .upsample = true}));
    }
    h = conv2d(d[19], block(d[18], h), same_3x3, {.type = dtype::f32});
    return scale(w.g, d[19].tap(h), 2, -1);
}

} // namespace sfumato
