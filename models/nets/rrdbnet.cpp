#include "models/nets/rrdbnet.h"

#include <algorithm>

namespace sfumato {

namespace {

constexpr epilogue leaky{.activation = activation::leaky_relu, .slope = 0.2f};
constexpr float share = 0.2f; // of what blocks find, in what they put out

// A dense block's input and all that its convolutions find lie in one tensor, so that each reads all before it:
// [n, h, w, features + 4 · growth].
struct dense_block {
    scope const& w;
    int features, growth;

    // `dense` holds the input; → input + share · what is found, as `after` says where.
    tensor operator()(tensor const& dense, epilogue after) const {
        for (int i = 0; i < 4; ++i) {
            epilogue e = leaky;
            e.into = {dense, features + i * growth};
            conv2d(w["conv" + std::to_string(i + 1)], dense, same_3x3, e);
        }
        after.activation = activation::scaled;
        after.slope = share;
        after.residual = dense;
        return conv2d(w["conv5"], dense, same_3x3, after);
    }
};

void tap_first_channels(scope const& w, tensor const& t, int count) {
    if (w.tapped()) w.tap(slice(w.g, t, 0, count));
}

// Three dense tensors, of which the first holds the block's input; the result goes into the second.
void residual_block(scope const& b, rrdbnet_config const& c, tensor const (&dense)[3]) {
    for (int i = 0; i < 2; ++i) {
        scope const rdb = b["rdb" + std::to_string(i + 1)];
        dense_block{rdb, c.features, c.growth}(dense[i], {.into = channels_from{dense[i + 1]}});
        tap_first_channels(rdb, dense[i + 1], c.features);
    }
    scope const rdb = b["rdb3"];
    tensor const last = rdb.tap(dense_block{rdb, c.features, c.growth}(dense[2], {}));
    add_scaled(b.g, last, share, dense[0], channels_from{dense[1]});
    tap_first_channels(b, dense[1], c.features);
}

tensor body(scope const& w, rrdbnet_config const& c, tensor const& first) {
    shape all = first.shape;
    all.c += 4 * c.growth;
    tensor dense[3];
    for (tensor& d : dense) d = w.g.temporary(all, first.type);
    copy(w.g, first, {dense[0]});
    for (int i = 0; i < c.blocks; ++i) {
        residual_block(w["body"][i], c, dense);
        std::ranges::rotate(dense, dense + 1);
    }
    if (w.tapped()) w["conv_body"].tap(conv2d(w["conv_body"], dense[0]));
    return conv2d(w["conv_body"], dense[0], same_3x3, {.residual = first});
}

} // namespace

tensor rrdbnet(scope const& w, rrdbnet_config const& c, tensor const& image, dtype storage) {
    tensor h = cast(w.g, c.unshuffle > 1 ? pixel_unshuffle(w.g, image, c.unshuffle) : image, storage);
    h = body(w, c, w["conv_first"].tap(conv2d(w["conv_first"], h)));
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
