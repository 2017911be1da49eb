#include "models/nets/rrdbnet.h"

namespace sfumato {

namespace {

constexpr epilogue leaky{.activation = activation::leaky_relu, .slope = 0.2f};

std::string conv(int i) { return "conv" + std::to_string(i); }

tensor dense_block(scope const& b, tensor const& x) {
    tensor all = x;
    for (int i = 1; i <= 4; ++i) all = concat(b.g, all, conv2d(b[conv(i)], all, same_3x3, leaky));
    return b.tap(conv2d(b["conv5"], all, same_3x3, {.activation = activation::scaled, .slope = 0.2f, .residual = x}));
}

tensor residual_dense_block(scope const& b, tensor const& x) {
    tensor const h = dense_block(b["rdb3"], dense_block(b["rdb2"], dense_block(b["rdb1"], x)));
    return b.tap(add(b.g, scale(b.g, h, 0.2f), x));
}

} // namespace

tensor rrdbnet(scope const& w, rrdbnet_config const& c, tensor const& image, dtype storage) {
    tensor h = cast(w.g, c.unshuffle > 1 ? pixel_unshuffle(w.g, image, c.unshuffle) : image, storage);
    tensor const first = w["conv_first"].tap(conv2d(w["conv_first"], h));
    h = first;
    for (int i = 0; i < c.blocks; ++i) h = residual_dense_block(w["body"][i], h);
    if (w.tapped()) w["conv_body"].tap(conv2d(w["conv_body"], h));
    h = conv2d(w["conv_body"], h, same_3x3, {.residual = first});
    conv2d_options doubled = same_3x3; // nearest ×2, folded into the convolution behind it
    doubled.upsample = true;
    for (int i = 1; i <= c.upsamples; ++i) {
        scope const up = w["conv_up" + std::to_string(i)];
        if (w.tapped()) up.tap(conv2d(up, h, doubled));
        h = conv2d(up, h, doubled, leaky);
    }
    h = conv2d(w["conv_hr"], h, same_3x3, leaky);
    return w["conv_last"].tap(conv2d(w["conv_last"], h, same_3x3, {.type = dtype::f32}));
}

} // namespace sfumato
