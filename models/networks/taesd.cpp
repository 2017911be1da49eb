#include "models/networks/taesd.h"

#include "models/files/prefixes.h"
#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <format>

namespace sfumato {

namespace {

void block(layer_writer add, std::string const& name, int channels) {
    for (char const* conv : {".conv.0", ".conv.2", ".conv.4"}) add.conv(name + conv, channels, channels, 3);
}

// A convolution without bias (number −1: there is none), and blocks from number `first_block` on.
void stage(layer_writer add, std::string const& half, int conv, int first_block, int blocks, int channels) {
    if (conv >= 0) add.weight(half + std::to_string(conv), {channels, channels, 3, 3});
    for (int i = 0; i < blocks; ++i) block(add, half + std::to_string(first_block + i), channels);
}

} // namespace

std::optional<taesd_config> taesd_config::found_in(checkpoint const& all) {
    network_tensors const encoder{all, taesd_encoder_prefix}, decoder{all, taesd_decoder_prefix};
    taesd_config c;
    c.encoder = encoder.find("0.weight");
    c.decoder = decoder.find("1.weight");
    if (!c.encoder && !c.decoder) return {};
    c.channels = c.encoder ? encoder.extent(0, "0.weight") : decoder.extent(0, "1.weight");
    c.z_channels = c.encoder ? encoder.extent(0, "14.weight") : decoder.extent(1, "1.weight");
    return c;
}

tensor_shapes taesd_config::tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    if (encoder) {
        std::string const half(taesd_encoder_prefix);
        add.conv(half + "0", channels, 3, 3);
        stage(add, half, -1, 1, 1, channels);
        for (int conv : {2, 6, 10}) stage(add, half, conv, conv + 1, 3, channels);
        add.conv(half + "14", z_channels, channels, 3);
    }
    if (decoder) {
        std::string const half(taesd_decoder_prefix);
        add.conv(half + "1", channels, z_channels, 3);
        stage(add, half, -1, 3, 3, channels);
        for (int conv : {7, 12}) stage(add, half, conv, conv + 1, 3, channels);
        stage(add, half, 17, 18, 1, channels);
        add.conv(half + "19", 3, channels, 3);
    }
    return list;
}

std::string taesd_config::in_words() const { return std::format("its latent has {} channels", z_channels); }

} // namespace sfumato
