#include "models/networks/lama.h"

#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <format>

namespace sfumato {

namespace {

constexpr int most_halvings = 5, most_blocks = 64, most_channels = 4096; // more than any model has

struct writer {
    layer_writer add;

    void conv(std::string const& name, int out, int in, int kernel) { add.weight(name, {out, in, kernel, kernel}); }
    void batch_norm(std::string const& name, int channels) {
        add.norm(name, channels);
        add.list[name + ".running_mean"] = add.list[name + ".running_var"] = {channels};
    }
    // A fast Fourier convolution with its norms (FFC_BN_ACT), local and global to local and global.
    void fourier_convolution(std::string const& name, lama_config const& c) {
        int const local = c.local_channels(), global = c.global_channels, spectral = c.spectral_channels();
        std::string const ffc = name + ".ffc.";
        conv(ffc + "convl2l", local, local, 3);
        conv(ffc + "convl2g", global, local, 3);
        conv(ffc + "convg2l", local, global, 3);
        conv(ffc + "convg2g.conv1.0", spectral, global, 1);
        batch_norm(ffc + "convg2g.conv1.1", spectral);
        conv(ffc + "convg2g.fu.conv_layer", 2 * spectral, 2 * spectral, 1);
        batch_norm(ffc + "convg2g.fu.bn", 2 * spectral);
        conv(ffc + "convg2g.conv2", global, spectral, 1);
        batch_norm(name + ".bn_l", local);
        batch_norm(name + ".bn_g", global);
    }
};

} // namespace

std::optional<lama_config> lama_config::found_in(checkpoint const& all) {
    network_tensors const n{all, lama_prefix};
    if (!n.find("1.ffc.convl2l.weight")) return {};
    lama_config c{.channels = n.extent(0, "1.ffc.convl2l.weight"), .halvings = 0, .blocks = 0, .global_channels = 0};
    while (c.halvings < most_halvings && n.find("{}.ffc.convl2l.weight", 2 + c.halvings)) ++c.halvings;
    c.global_channels = n.extent(0, "{}.ffc.convl2g.weight", 1 + c.halvings);
    while (c.blocks < most_blocks && n.find("{}.conv1.ffc.convl2l.weight", c.first_block() + c.blocks)) ++c.blocks;
    return c;
}

tensor_shapes lama_config::tensors() const {
    tensor_shapes list;
    writer w{{list}};
    w.conv("1.ffc.convl2l", channels, 4, 7);
    w.batch_norm("1.bn_l", channels);
    for (int i = 0; i < halvings; ++i) {
        std::string const layer = std::to_string(2 + i);
        bool const splits = i == halvings - 1;
        int const in = channels << i, local = splits ? local_channels() : 2 * in;
        w.conv(layer + ".ffc.convl2l", local, in, 3);
        w.batch_norm(layer + ".bn_l", local);
        if (!splits) continue;
        w.conv(layer + ".ffc.convl2g", global_channels, in, 3);
        w.batch_norm(layer + ".bn_g", global_channels);
    }
    for (int i = 0; i < blocks; ++i)
        for (char const* half : {"conv1", "conv2"})
            w.fourier_convolution(std::format("{}.{}", first_block() + i, half), *this);
    for (int i = 0; i < halvings; ++i) {
        int const in = block_channels() >> i, layer = first_doubling() + 3 * i;
        w.add.transposed_conv(std::to_string(layer), in / 2, in, 3);
        w.batch_norm(std::to_string(layer + 1), in / 2);
    }
    w.add.conv(std::to_string(last_layer()), 3, channels, 7);
    return list;
}

std::string lama_config::in_words() const {
    return std::format("{} blocks of {} channels, {} of them through Fourier transforms", blocks, block_channels(),
                       global_channels);
}

sentence lama_config::unfit() const {
    if (halvings < 1 || blocks < 1) return say("not supported yet: a LaMa without halvings or blocks");
    if (channels > most_channels || global_channels < 2 || global_channels >= block_channels() || global_channels % 2)
        return say("not supported yet: {} of its {} channels are global", global_channels, block_channels());
    return {};
}

} // namespace sfumato
