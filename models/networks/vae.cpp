#include "models/networks/vae.h"

#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

// Far more than any model has.
constexpr int most_levels = 8, most_res_blocks = 8;

void res_block(layer_writer add, std::string const& name, int in, int out) {
    add.norm(name + ".norm1", in);
    add.conv(name + ".conv1", out, in, 3);
    add.norm(name + ".norm2", out);
    add.conv(name + ".conv2", out, out, 3);
    if (in != out) add.conv(name + ".nin_shortcut", out, in, 1);
}

void middle(layer_writer add, std::string const& name, int channels) {
    res_block(add, name + ".block_1", channels, channels);
    add.norm(name + ".attn_1.norm", channels);
    for (char const* part : {"q", "k", "v", "proj_out"}) add.conv(name + ".attn_1." + part, channels, channels, 1);
    res_block(add, name + ".block_2", channels, channels);
}

void put_encoder(layer_writer add, vae_config const& c) {
    int channels = c.channels;
    add.conv("encoder.conv_in", channels, 3, 3);
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level) {
        auto const name = std::format("encoder.down.{}.", level);
        for (int i = 0; i < c.res_blocks; ++i) {
            int const out = c.channels * c.channel_mult[level];
            res_block(add, std::format("{}block.{}", name, i), channels, out);
            channels = out;
        }
        if (level + 1 < c.channel_mult.size()) add.conv(name + "downsample.conv", channels, channels, 3);
    }
    middle(add, "encoder.mid", channels);
    add.norm("encoder.norm_out", channels);
    add.conv("encoder.conv_out", 2 * c.z_channels, channels, 3);
    if (c.quant_conv) add.conv("quant_conv", 2 * c.z_channels, 2 * c.z_channels, 1);
}

void put_decoder(layer_writer add, vae_config const& c) {
    int channels = c.channels * c.channel_mult.back();
    if (c.quant_conv) add.conv("post_quant_conv", c.z_channels, c.z_channels, 1);
    add.conv("decoder.conv_in", channels, c.z_channels, 3);
    middle(add, "decoder.mid", channels);
    for (std::size_t level = c.channel_mult.size(); level-- > 0;) {
        auto const name = std::format("decoder.up.{}.", level);
        for (int i = 0; i <= c.res_blocks; ++i) {
            int const out = c.channels * c.channel_mult[level];
            res_block(add, std::format("{}block.{}", name, i), channels, out);
            channels = out;
        }
        if (level > 0) add.conv(name + "upsample.conv", channels, channels, 3);
    }
    add.norm("decoder.norm_out", channels);
    add.conv("decoder.conv_out", 3, channels, 3);
}

} // namespace

std::optional<vae_config> vae_config::found_in(checkpoint const& all) {
    network_tensors const n{all, vae_prefix};
    vae_config c;
    c.encoder = n.find("encoder.conv_in.weight");
    c.decoder = n.find("decoder.conv_in.weight");
    if (!c.encoder && !c.decoder) return {};
    c.channels =
        std::max(1, c.encoder ? n.extent(0, "encoder.conv_in.weight") : n.extent(0, "decoder.norm_out.weight"));
    c.z_channels = c.decoder ? n.extent(1, "decoder.conv_in.weight") : n.extent(0, "encoder.conv_out.weight") / 2;
    c.quant_conv = n.find("post_quant_conv.weight") || n.find("quant_conv.weight");
    std::string const levels = c.encoder ? "encoder.down" : "decoder.up";
    c.channel_mult.clear();
    while (c.channel_mult.size() < most_levels) {
        int const channels = n.extent(0, "{}.{}.block.0.conv1.weight", levels, c.channel_mult.size());
        if (channels == 0) break;
        c.channel_mult.push_back(channels / c.channels);
    }
    if (c.channel_mult.empty()) c.channel_mult = {1};
    c.res_blocks = count(n, levels + ".0.block", "conv1.weight", most_res_blocks) - (c.encoder ? 0 : 1);
    return c;
}

tensor_shapes vae_config::tensors() const {
    tensor_shapes list;
    if (encoder) put_encoder({list}, *this);
    if (decoder) put_decoder({list}, *this);
    return list;
}

std::string vae_config::in_words() const { return std::format("its latent has {} channels", z_channels); }

sentence vae_config::unfit() const {
    if (z_channels != 4 && z_channels != 16)
        return say("not supported yet: the VAE's latent has {} channels", z_channels);
    if (channel_mult.size() != 4) return say("not supported yet: a cell of the VAE's latent is not 8 pixels wide");
    if (channels % 32) return say("the VAE's channels do not divide into 32 groups");
    return {};
}

} // namespace sfumato
