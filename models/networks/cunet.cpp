#include "models/networks/cunet.h"

#include "models/networks/layer_writer.h"
#include "models/networks/ncnn_graph_writer.h"

namespace sfumato {

std::optional<cunet_config> cunet_config::found_in(network_tensors const& n) {
    if (!n.find("unet1.conv1.conv.0.weight")) return {};
    if (n.find("conv_final.weight")) return cunet_config{.scale = 4};
    switch (n.extent(3, "unet1.conv_bottom.weight")) { // its kernel
    case 5: return cunet_config{.scale = 3};
    case 4: return cunet_config{.scale = 2};
    default: return cunet_config{.scale = 1};
    }
}

std::optional<cunet_config> cunet_config::found_in(ncnn_summary const& s) {
    if (s.denses == 0) return {};
    if (s.shuffle > 1) return cunet_config{.scale = 4};
    if (s.has_deconvolution(5)) return cunet_config{.scale = 3};
    return cunet_config{.scale = s.has_deconvolution(4) ? 2 : 1};
}

std::vector<example<cunet_config>> cunet_config::examples() {
    return {{"cunet-x1", 0, {1}}, {"cunet-x2", 0, {2}}, {"cugan-x3", 0, {3}}, {"cugan-x4", 0, {4}}};
}

upscaler_shape cunet_config::shape() const {
    switch (scale) {
    case 1: return {.multiple = 4, .margin = 28, .has_means = true};
    case 2: return {.scale = 2, .multiple = 2, .margin = 18, .has_means = true};
    case 3: return {.scale = 3, .multiple = 4, .margin = 14, .has_means = true};
    default: return {.scale = 4, .multiple = 2, .margin = 19, .has_means = true, .adds_picture = true};
    }
}

std::string cunet_config::in_words() const {
    return scale == 2 ? "two U-Nets; waifu2x's CUnet and Real-CUGAN ×2 are one network" : "two U-Nets";
}

// ---- Tensors

namespace {

// Two convolutions, and the squeeze and excitation of their result.
void unet_conv(layer_writer add, std::string const& name, int in, int middle, int out, bool excitation) {
    add.conv(name + ".conv.0", middle, in, 3);
    add.conv(name + ".conv.2", out, middle, 3);
    if (!excitation) return;
    add.conv(name + ".seblock.conv1", out / 8, out, 1);
    add.conv(name + ".seblock.conv2", out, out / 8, 1);
}

// Enlarges by 1, 2 or 3.
void first_unet(layer_writer add, int out, int scale) {
    unet_conv(add, "unet1.conv1", 3, 32, 64, false);
    add.conv("unet1.conv1_down", 64, 64, 2);
    unet_conv(add, "unet1.conv2", 64, 128, 64, true);
    add.transposed_conv("unet1.conv2_up", 64, 64, 2);
    add.conv("unet1.conv3", 64, 64, 3);
    if (scale == 1)
        add.conv("unet1.conv_bottom", out, 64, 3);
    else
        add.transposed_conv("unet1.conv_bottom", out, 64, scale == 2 ? 4 : 5);
}

void second_unet(layer_writer add, int channels) {
    unet_conv(add, "unet2.conv1", channels, 32, 64, false);
    add.conv("unet2.conv1_down", 64, 64, 2);
    unet_conv(add, "unet2.conv2", 64, 64, 128, true);
    add.conv("unet2.conv2_down", 128, 128, 2);
    unet_conv(add, "unet2.conv3", 128, 256, 128, true);
    add.transposed_conv("unet2.conv3_up", 128, 128, 2);
    unet_conv(add, "unet2.conv4", 128, 64, 64, true);
    add.transposed_conv("unet2.conv4_up", 64, 64, 2);
    add.conv("unet2.conv5", 64, 64, 3);
    add.conv("unet2.conv_bottom", channels, 64, 3);
}

} // namespace

tensor_shapes cunet_config::tensors() const {
    tensor_shapes list;
    first_unet({list}, unet_channels(), unet_scale());
    second_unet({list}, unet_channels());
    if (shuffles()) layer_writer{list}.conv("conv_final", 12, 64, 3);
    return list;
}

// ---- As ncnn has it

namespace {

ncnn_settings const valid_3x3 = with_leaky({.kernel = 3}, 0.1f),
                    half_2x2 = with_leaky({.kernel = 2, .stride = 2}, 0.1f);

int unet_conv(ncnn_graph_writer& w, std::string const& name, int x, int middle, int out, bool excitation) {
    x = w.conv(name + ".conv.2", w.conv(name + ".conv.0", x, middle), out);
    if (!excitation) return x;
    auto const dense = [&](char const* which, int operand, int outputs, ncnn_activation activation) {
        return w.add({.operation = ncnn_operation::dense, .outputs = outputs, .activation = activation}, {operand},
                     name + which);
    };
    int const mean = w.add({.operation = ncnn_operation::mean}, {x});
    int const squeezed = dense(".seblock.conv1", mean, out / 8, ncnn_activation::relu);
    int const excited = dense(".seblock.conv2", squeezed, out, ncnn_activation::sigmoid);
    return w.add({.operation = ncnn_operation::product}, {x, excited});
}

int first_unet(ncnn_graph_writer& w, int picture, int out, int scale) {
    int const x1 = unet_conv(w, "unet1.conv1", picture, 32, 64, false);
    int x2 = w.conv("unet1.conv1_down", x1, 64, half_2x2);
    x2 = unet_conv(w, "unet1.conv2", x2, 128, 64, true);
    x2 = w.deconv("unet1.conv2_up", x2, 64, half_2x2);
    int const x3 = w.conv("unet1.conv3", w.sum(w.crop(x1, 4), x2), 64);
    switch (scale) {
    case 1: return w.conv("unet1.conv_bottom", x3, out, {.kernel = 3});
    case 2: return w.deconv("unet1.conv_bottom", x3, out, {.kernel = 4, .stride = 2, .padding = 3});
    default: return w.deconv("unet1.conv_bottom", x3, out, {.kernel = 5, .stride = 3, .padding = 2});
    }
}

// The second corrects what the first makes.
int second_unet(ncnn_graph_writer& w, int x, int channels) {
    int const x1 = unet_conv(w, "unet2.conv1", x, 32, 64, false);
    int const x2 = unet_conv(w, "unet2.conv2", w.conv("unet2.conv1_down", x1, 64, half_2x2), 64, 128, true);
    int x3 = unet_conv(w, "unet2.conv3", w.conv("unet2.conv2_down", x2, 128, half_2x2), 256, 128, true);
    x3 = w.deconv("unet2.conv3_up", x3, 128, half_2x2);
    int x4 = unet_conv(w, "unet2.conv4", w.sum(w.crop(x2, 4), x3), 64, 64, true);
    x4 = w.deconv("unet2.conv4_up", x4, 64, half_2x2);
    int const x5 = w.conv("unet2.conv5", w.sum(w.crop(x1, 16), x4), 64);
    int const correction = w.conv("unet2.conv_bottom", x5, channels, {.kernel = 3});
    return w.sum(correction, w.crop(x, 20));
}

} // namespace

ncnn_graph cunet_config::graph() const {
    ncnn_graph_writer w{.convolution = valid_3x3};
    int const coarse = first_unet(w, w.picture(), unet_channels(), unet_scale());
    int const x = second_unet(w, coarse, unet_channels());
    return w.finish(shuffles() ? w.pixel_shuffle(w.crop(w.conv("conv_final", x, 12, {.kernel = 3}), 1), 2) : x);
}

} // namespace sfumato
