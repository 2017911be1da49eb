#include "models/nets/rrdbnet.h"

#include <algorithm>

namespace sfumato {

namespace {

constexpr epilogue leaky{.activation = activation::leaky_relu, .slope = 0.2f};
constexpr float share = 0.2f; // of what blocks find, in what they put out

void tap_first_channels(scope const& w, tensor const& t, int count) {
    if (w.tapped()) w.tap(slice(w.g, t, 0, count));
}

// x in `buffer`, with room for what is found behind it → x + share · conv5(all). `into`: where that goes.
tensor dense_block(scope const& w, rrdbnet_config const& c, tensor const& buffer,
                   std::optional<channels_from> into = {}) {
    for (int i = 0; i < 4; ++i) {
        epilogue found = leaky;
        found.into = {buffer, c.features + i * c.growth};
        conv2d(w["conv" + std::to_string(i + 1)], buffer, same_3x3, found);
    }
    return conv2d(w["conv5"], buffer, same_3x3,
                  {.activation = activation::scaled, .slope = share, .residual = buffer, .into = into});
}

// x in A → x + share · (three dense blocks), in B.
void residual_block(scope const& w, rrdbnet_config const& c, tensor const (&buffers)[3]) {
    auto const& [a, b, last] = buffers;
    dense_block(w["rdb1"], c, a, channels_from{b});
    tap_first_channels(w["rdb1"], b, c.features);
    dense_block(w["rdb2"], c, b, channels_from{last});
    tap_first_channels(w["rdb2"], last, c.features);
    tensor const found = w["rdb3"].tap(dense_block(w["rdb3"], c, last));
    add_scaled(w.g, found, share, a, channels_from{b});
    tap_first_channels(w, b, c.features);
}

// All residual blocks, and the way around them.
tensor body(scope const& w, rrdbnet_config const& c, tensor const& first) {
    shape room = first.shape;
    room.c = c.features + 4 * c.growth;
    tensor buffers[3];
    for (tensor& buffer : buffers) buffer = w.g.temporary(room, first.type);
    copy(w.g, first, {buffers[0]});
    for (int i = 0; i < c.blocks; ++i) {
        residual_block(w["body"][i], c, buffers);
        std::ranges::rotate(buffers, buffers + 1);
    }
    if (w.tapped()) w["conv_body"].tap(conv2d(w["conv_body"], buffers[0]));
    return conv2d(w["conv_body"], buffers[0], same_3x3, {.residual = first});
}

} // namespace

tensor forward(scope const& w, rrdbnet_config const& c, upscaler_input const& in) {
    tensor const image = c.unshuffle > 1 ? pixel_unshuffle(w.g, in.image, c.unshuffle) : in.image;
    tensor const first = w["conv_first"].tap(conv2d(w["conv_first"], cast(w.g, image, in.storage)));
    tensor h = body(w, c, first);
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
