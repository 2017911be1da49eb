#include "models/weights/layers.h"

#include <format>

namespace sfumato {

tensor_shapes rrdbnet_tensors(rrdbnet_config const& c) {
    tensor_shapes list;
    layers add{list};
    add.conv("conv_first", c.features, 3 * c.unshuffle * c.unshuffle, 3);
    for (int block = 0; block < c.blocks; ++block)
        for (int dense = 1; dense <= 3; ++dense)
            for (int i = 0; i < 5; ++i)
                add.conv(std::format("body.{}.rdb{}.conv{}", block, dense, i + 1), i < 4 ? c.growth : c.features,
                         c.features + i * c.growth, 3);
    for (char const* name : {"conv_body", "conv_hr"}) add.conv(name, c.features, c.features, 3);
    for (int i = 1; i <= c.upsamples; ++i) add.conv(std::format("conv_up{}", i), c.features, c.features, 3);
    add.conv("conv_last", 3, c.features, 3);
    return list;
}

tensor_shapes srvgg_tensors(srvgg_config const& c) {
    tensor_shapes list;
    layers add{list};
    int const last = 2 * c.convolutions + 2;
    for (int i = 0; i < last; i += 2) {
        add.conv(std::format("body.{}", i), c.features, i ? c.features : 3, 3);
        add.weight(std::format("body.{}", i + 1), {c.features});
    }
    add.conv(std::format("body.{}", last), 3 * c.scale * c.scale, c.features, 3);
    return list;
}

tensor_shapes upconv7_tensors(upconv7_config const& c) {
    tensor_shapes list;
    layers add{list};
    int channels = 3, number = 0;
    for (int features : c.features) {
        add.conv(std::format("net.{}", number), features, channels, 3);
        channels = features;
        number += 2; // between them: activations
    }
    add.transposed_conv(std::format("net.{}", number), 3, channels, 4);
    return list;
}

// ---- CUnet and Real-CUGAN

namespace {

// Two convolutions, and the squeeze and excitation of their result.
void unet_conv(layers add, std::string const& name, int in, int middle, int out, bool excitation) {
    add.conv(name + ".conv.0", middle, in, 3);
    add.conv(name + ".conv.2", out, middle, 3);
    if (!excitation) return;
    add.conv(name + ".seblock.conv1", out / 8, out, 1);
    add.conv(name + ".seblock.conv2", out, out / 8, 1);
}

// Enlarges by 1, 2 or 3.
void first_unet(layers add, int out, int scale) {
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

void second_unet(layers add, int channels) {
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

tensor_shapes cunet_tensors(cunet_config const& c) {
    tensor_shapes list;
    first_unet({list}, 3, c.scale);
    second_unet({list}, 3);
    return list;
}

tensor_shapes cugan_tensors(cugan_config const& c) {
    tensor_shapes list;
    bool const shuffled = c.scale == 4; // ×2, then a pixel shuffle
    int const channels = shuffled ? 64 : 3;
    first_unet({list}, channels, shuffled ? 2 : c.scale);
    second_unet({list}, channels);
    if (shuffled) layers{list}.conv("conv_final", 12, 64, 3);
    return list;
}

tensor_shapes tensors_of(upscaler_config const& c) {
    struct {
        tensor_shapes operator()(rrdbnet_config const& c) { return rrdbnet_tensors(c); }
        tensor_shapes operator()(srvgg_config const& c) { return srvgg_tensors(c); }
        tensor_shapes operator()(upconv7_config const& c) { return upconv7_tensors(c); }
        tensor_shapes operator()(cunet_config const& c) { return cunet_tensors(c); }
        tensor_shapes operator()(cugan_config const& c) { return cugan_tensors(c); }
    } tensors;
    return std::visit(tensors, c);
}

} // namespace sfumato
