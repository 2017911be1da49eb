#include "models/nets/lama.h"

#include <cassert>
#include <format>

namespace sfumato {

namespace {

constexpr epilogue relu{.activation = activation::relu};
constexpr conv2d_options reflected_3x3{.pad = {1, 1, 1, 1}, .reflect = true},
    reflected_7x7{.pad = {3, 3, 3, 3}, .reflect = true}, halved{.stride = 2, .pad = {1, 1, 1, 1}, .reflect = true};

struct channels {
    tensor local, global;
};

conv2d_options with(conv2d_options options, tensor const& second) {
    options.second = second;
    return options;
}

// SpectralTransform of the global channels, normed as convl2g's result is that it is added to.
tensor spectral_transform(scope const& g2g, tensor const& global) {
    graph& g = g2g.g;
    tensor const y = linear(g2g["conv1.0"], global, relu);
    tensor const spectrum = linear(g2g["fu.conv_layer"], fft2d(g, y), relu);
    tensor const through = inverse_fft2d(g, spectrum, y.shape.w);
    g2g["conv1"].tap(y);
    g2g["fu"].tap(through);
    return linear(g2g["conv2"], add(g, y, through));
}

// FFC_BN_ACT; with `added`: plus that, behind the activation.
channels fourier_convolution(scope const& w, channels const& x, channels const* added = nullptr) {
    scope const ffc = w["ffc"];
    epilogue local = relu;
    if (added) local.residual = added->local;
    channels y{.local = conv2d(ffc["local"], x.local, with(reflected_3x3, x.global), local), .global = {}};
    tensor const through = spectral_transform(ffc["convg2g"], x.global);
    tensor const sum = conv2d(ffc["convl2g"], x.local, reflected_3x3, {.residual = through});
    y.global = activate(w.g, sum, activation::relu);
    if (added) y.global = add(w.g, y.global, added->global);
    return y;
}

// FFCResnetBlock
channels block(scope const& w, channels const& x) {
    channels const h = fourier_convolution(w["conv1"], x);
    w["conv1"].tap(h.local, "local");
    w["conv1"].tap(h.global, "global");
    channels const y = fourier_convolution(w["conv2"], h, &x);
    w.tap(y.local, "FFCResnetBlock.local");
    w.tap(y.global, "FFCResnetBlock.global");
    return y;
}

// The transposed convolution of `layer`.
tensor doubled(scope const& w, int layer, tensor const& x) {
    scope const part = w[layer];
    packed_transpose_weights weights;
    for (int y : {0, 1})
        for (int column : {0, 1})
            weights.parity[y][column] = w.store.conv2d(w.g, part.name(std::format("{}{}.weight", y, column)));
    epilogue after = relu;
    after.bias = w.store.vector(w.g, part.name("bias"));
    if (w.tapped()) w[layer + 1].tap(conv_transpose2d(w.g, x, weights, {.bias = after.bias}), "BatchNorm2d.local");
    return conv_transpose2d(w.g, x, weights, after);
}

} // namespace

tensor lama(scope const& w, lama_config const& c, tensor const& input) {
    graph& g = w.g;
    assert(input.shape.h % c.multiple() == 0 && input.shape.w % c.multiple() == 0 && input.shape.c == 4);
    tensor h = conv2d(w["1.ffc.convl2l"], input, reflected_7x7, relu);
    for (int layer = 2; layer < c.first_block() - 1; ++layer) {
        h = conv2d(w[layer]["ffc.convl2l"], h, halved, relu);
        w[layer].tap(h, "FFC_BN_ACT.local");
    }
    int const split = c.first_block() - 1, local = c.local_channels();
    h = conv2d(w[split]["ffc"], h, halved, relu);
    channels x{slice(g, h, 0, local), slice(g, h, local, c.global_channels)};
    w[split].tap(x.local, "FFC_BN_ACT.local");

    for (int i = 0; i < c.blocks; ++i) x = block(w[c.first_block() + i], x);
    h = concat(g, x.local, x.global);
    w[c.first_block() + c.blocks].tap(h, "ConcatTupleLayer.local");

    for (int i = 0; i < c.halvings; ++i) h = doubled(w, c.first_doubling() + 3 * i, h);
    scope const last = w[c.last_layer()];
    if (w.tapped()) last.tap(conv2d(last, h, reflected_7x7, {.type = dtype::f32}), "Conv2d.local");
    h = conv2d(last, h, reflected_7x7, {.activation = activation::sigmoid, .type = dtype::f32});
    return w[c.last_layer() + 1].tap(h, "Sigmoid.local");
}

} // namespace sfumato
