#include "models/nets/cunet.h"

namespace sfumato {

namespace {

constexpr epilogue leaky{.activation = activation::leaky_relu, .slope = 0.1f};
constexpr conv2d_options valid, halved{.stride = 2};
constexpr epilogue as_f32{.type = dtype::f32};

// x · σ(…): each channel by how much of it the whole picture has.
tensor excited(scope const& b, tensor const& x, whole_means& means) {
    std::size_t const k = means.used.size();
    tensor const mean = k < means.given.size() ? means.given[k] : channel_means(b.g, x);
    means.used.push_back(mean);
    tensor const squeezed = linear(b["conv1"], mean, {.activation = activation::relu});
    return mul(b.g, x, linear(b["conv2"], squeezed, {.activation = activation::sigmoid}));
}

tensor unet_conv(scope const& b, tensor const& x, whole_means& means) {
    scope const conv = b["conv"];
    tensor const h = conv2d(conv[2], conv2d(conv[0], x, valid, leaky), valid, leaky);
    return b.tap(b.has("seblock.conv1.weight") ? excited(b["seblock"], h, means) : h);
}

// Twice as large, and the middle of what was skipped.
tensor up(scope const& b, tensor const& x, tensor const& skipped) {
    return conv_transpose2d(b, x, 2, 0, leaky, skipped);
}

// scale 1, 2 or 3
tensor first_unet(scope const& w, tensor const& x, int scale, whole_means& means) {
    tensor const h1 = unet_conv(w["conv1"], x, means);
    tensor const h2 = unet_conv(w["conv2"], conv2d(w["conv1_down"], h1, halved, leaky), means);
    tensor const h = conv2d(w["conv3"], up(w["conv2_up"], h2, h1), valid, leaky);
    if (scale == 1) return conv2d(w["conv_bottom"], h, valid, as_f32);
    return conv_transpose2d(w["conv_bottom"], h, scale, scale == 2 ? 3 : 2, as_f32);
}

tensor second_unet(scope const& w, tensor const& x, whole_means& means) {
    tensor const h1 = unet_conv(w["conv1"], x, means);
    tensor const h2 = unet_conv(w["conv2"], conv2d(w["conv1_down"], h1, halved, leaky), means);
    tensor const h3 = unet_conv(w["conv3"], conv2d(w["conv2_down"], h2, halved, leaky), means);
    tensor const h4 = unet_conv(w["conv4"], up(w["conv3_up"], h3, h2), means);
    tensor const h = conv2d(w["conv5"], up(w["conv4_up"], h4, h1), valid, leaky);
    return w.tap(conv2d(w["conv_bottom"], h, valid, as_f32));
}

tensor both_unets(scope const& w, cunet_config const& c, upscaler_input const& in) {
    tensor const coarse = first_unet(w["unet1"], cast(w.g, in.image, in.storage), c.unet_scale(), in.means);
    tensor const change = second_unet(w["unet2"], cast(w.g, coarse, in.storage), in.means);
    return interleave(w.g, change, 1, change.shape.h, change.shape.w, coarse);
}

} // namespace

tensor forward(scope const& w, cunet_config const& c, upscaler_input const& in) {
    if (!c.shuffles()) return both_unets(w, c, in);
    tensor const h = cast(w.g, both_unets(w, c, in), in.storage);
    tensor const middle = conv2d(w["conv_final"], h, {.pad = {-1, -1, -1, -1}}, as_f32); // all but the rim
    tensor const change = pixel_shuffle(w.g, middle, 2);
    shape const& size = in.image.shape;
    tensor const enlarged = resize(w.g, cast(w.g, in.image, dtype::f32), 4 * size.h, 4 * size.w, filter::nearest);
    return interleave(w.g, change, 1, change.shape.h, change.shape.w, enlarged);
}

} // namespace sfumato
