#include "models/networks/unet.h"

#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

// ---- From tensors to sizes

// Far more than any model has; keeps arithmetic on sizes of damaged files within int.
constexpr int most_levels = 8, most_res_blocks = 8, most_depth = 32, most_blocks = 64;

int depth_of(network_tensors const& n, std::string const& block) {
    return count(n, block + ".transformer_blocks", "norm1.weight", most_depth);
}

// Walks down the levels: residual blocks, then a convolution `op` to the next.
void read_levels(network_tensors const& n, unet_config& c) {
    c.channel_mult.clear();
    c.transformer_depth.clear();
    c.res_blocks = 0;
    int in_level = 0;
    for (int i = 1; i < most_blocks; ++i) {
        auto const block = std::format("input_blocks.{}", i);
        if (n.find("{}.0.op.weight", block)) {
            in_level = 0;
            continue;
        }
        int const channels = n.extent(0, "{}.0.in_layers.2.weight", block);
        if (channels == 0) return;
        if (in_level++ == 0) {
            if (c.channel_mult.size() == most_levels) return;
            c.channel_mult.push_back(channels / c.model_channels);
            c.transformer_depth.push_back(depth_of(n, block + ".1"));
        }
        if (c.channel_mult.size() == 1) c.res_blocks = std::min(in_level, most_res_blocks);
    }
}

// The first transformer, wherever it is: "input_blocks.4.1".
std::string first_transformer(network_tensors const& n) {
    for (int i = 1; i < most_blocks; ++i)
        if (n.find("input_blocks.{}.1.proj_in.weight", i)) return std::format("input_blocks.{}.1", i);
    return "middle_block.1";
}

// ---- From sizes to tensors

void res_block(layer_writer add, std::string const& name, int in, int out, int embedding) {
    add.norm(name + ".in_layers.0", in);
    add.conv(name + ".in_layers.2", out, in, 3);
    add.linear(name + ".emb_layers.1", out, embedding);
    add.norm(name + ".out_layers.0", out);
    add.conv(name + ".out_layers.3", out, out, 3);
    if (in != out) add.conv(name + ".skip_connection", out, in, 1);
}

void attention(layer_writer add, std::string const& name, int channels, int context) {
    add.weight(name + ".to_q", {channels, channels});
    add.weight(name + ".to_k", {channels, context});
    add.weight(name + ".to_v", {channels, context});
    add.linear(name + ".to_out.0", channels, channels);
}

void transformer(layer_writer add, std::string const& name, int channels, int depth, unet_config const& c) {
    auto const projection = [&](std::string const& which) {
        c.use_linear ? add.linear(which, channels, channels) : add.conv(which, channels, channels, 1);
    };
    add.norm(name + ".norm", channels);
    projection(name + ".proj_in");
    for (int i = 0; i < depth; ++i) {
        auto const block = std::format("{}.transformer_blocks.{}.", name, i);
        attention(add, block + "attn1", channels, channels);
        attention(add, block + "attn2", channels, c.context_dim);
        add.linear(block + "ff.net.0.proj", 8 * channels, channels);
        add.linear(block + "ff.net.2", channels, 4 * channels);
        for (char const* norm : {"norm1", "norm2", "norm3"}) add.norm(block + norm, channels);
    }
    projection(name + ".proj_out");
}

// ---- What can be run

// Where there is attention, channels divide into heads.
bool heads_fit(unet_config const& c) {
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level) {
        bool const attention = c.transformer_depth[level] || level + 1 == c.channel_mult.size();
        int const parts = c.heads ? c.heads : c.head_dim;
        if (attention && c.channels(level) % parts) return false;
    }
    return true;
}

bool groups_fit(unet_config const& c) { // GroupNorm has 32
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level)
        if (c.channels(level) % 32) return false;
    return true;
}

} // namespace

std::optional<unet_config> unet_config::found_in(checkpoint const& all) {
    network_tensors const n{all, unet_prefix};
    if (!n.find("input_blocks.0.0.weight")) return {};
    unet_config c;
    c.in_channels = n.extent(1, "input_blocks.0.0.weight");
    c.out_channels = n.extent(0, "out.2.weight");
    c.model_channels = std::max(1, n.extent(0, "input_blocks.0.0.weight"));
    read_levels(n, c);
    c.middle_depth = depth_of(n, "middle_block.1");
    auto const transformer = first_transformer(n);
    c.context_dim = n.extent(1, "{}.transformer_blocks.0.attn2.to_k.weight", transformer);
    auto const projection = n.find("{}.proj_in.weight", transformer);
    c.use_linear = projection && projection->shape.size() == 2;
    c.adm_in_channels = n.extent(1, "label_emb.0.0.weight");
    return c;
}

tensor_shapes unet_config::tensors() const {
    unet_config const& c = *this;
    tensor_shapes list;
    layer_writer add{list};
    int const embedding = c.time_embed_dim();
    add.linear("time_embed.0", embedding, c.model_channels);
    add.linear("time_embed.2", embedding, embedding);
    if (c.adm_in_channels) {
        add.linear("label_emb.0.0", embedding, c.adm_in_channels);
        add.linear("label_emb.0.2", embedding, embedding);
    }

    int channels = c.model_channels, number = 1;
    std::vector<int> skips = {channels};
    add.conv("input_blocks.0.0", channels, c.in_channels, 3);
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level) {
        for (int i = 0; i < c.res_blocks; ++i, ++number) {
            auto const block = std::format("input_blocks.{}", number);
            res_block(add, block + ".0", channels, c.channels(level), embedding);
            channels = c.channels(level);
            if (int const depth = c.transformer_depth[level]) transformer(add, block + ".1", channels, depth, c);
            skips.push_back(channels);
        }
        if (level + 1 < c.channel_mult.size()) {
            add.conv(std::format("input_blocks.{}.0.op", number++), channels, channels, 3);
            skips.push_back(channels);
        }
    }

    res_block(add, "middle_block.0", channels, channels, embedding);
    transformer(add, "middle_block.1", channels, c.middle_depth, c);
    res_block(add, "middle_block.2", channels, channels, embedding);

    number = 0;
    for (std::size_t level = c.channel_mult.size(); level-- > 0;)
        for (int i = 0; i <= c.res_blocks; ++i, ++number) {
            auto const block = std::format("output_blocks.{}.", number);
            res_block(add, block + "0", channels + skips.back(), c.channels(level), embedding);
            skips.pop_back();
            channels = c.channels(level);
            int const depth = c.transformer_depth[level];
            if (depth) transformer(add, block + "1", channels, depth, c);
            if (level > 0 && i == c.res_blocks) add.conv(block + (depth ? "2.conv" : "1.conv"), channels, channels, 3);
        }
    add.norm("out.0", channels);
    add.conv("out.2", c.out_channels, channels, 3);
    return list;
}

std::string unet_config::in_words() const {
    std::string text = std::format("the UNet takes {} channels and a text of width {}, its projections are {}",
                                   in_channels, context_dim, use_linear ? "linear" : "convolutions");
    if (adm_in_channels) text += std::format(", its label_emb is {} wide", adm_in_channels);
    return text;
}

sentence unet_config::unfit() const {
    if (in_channels == 8) return say("not supported yet: it changes a picture as a sentence commands");
    if (in_channels != 4 && in_channels != 9) return say("not supported yet: the UNet takes {} channels", in_channels);
    if (out_channels != 4) return say("not supported yet: the UNet makes {} channels", out_channels);
    if (!heads_fit(*this)) return say("the UNet's channels do not divide into its heads");
    if (!groups_fit(*this)) return say("the UNet's channels do not divide into 32 groups");
    return {};
}

} // namespace sfumato
