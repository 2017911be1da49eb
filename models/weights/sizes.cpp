#include "models/weights/sizes.h"

#include "models/weights/network_tensors.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

// Far more than any model has; keeps arithmetic on sizes of damaged files within int.
constexpr int most_levels = 8, most_res_blocks = 8, most_depth = 32, most_blocks = 64, most_layers = 200;

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

} // namespace

std::optional<unet_config> unet_sizes(checkpoint const& all) {
    network_tensors const n{all, "model.diffusion_model."};
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

std::optional<vae_config> vae_sizes(checkpoint const& all) {
    network_tensors const n{all, "first_stage_model."};
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

std::optional<text_encoder_config> text_encoder_sizes(checkpoint const& all, std::string_view prefix) {
    text_encoder_config c{.prefix = std::string(prefix)};
    network_tensors const n{all, prefix};
    std::string const embeddings = "text_model.embeddings.";
    if (!n.find("{}token_embedding.weight", embeddings)) return {};
    c.vocabulary = n.extent(0, "{}token_embedding.weight", embeddings);
    c.hidden = n.extent(1, "{}token_embedding.weight", embeddings);
    c.context = n.extent(0, "{}position_embedding.weight", embeddings);
    c.layers = count(n, "text_model.encoder.layers", "layer_norm1.weight", most_layers);
    c.feed_forward = n.extent(0, "text_model.encoder.layers.0.mlp.fc1.weight");
    c.projection = n.extent(0, "text_projection.weight");
    return c;
}

std::optional<taesd_config> taesd_sizes(checkpoint const& all) {
    network_tensors const encoder{all, "taesd_encoder."}, decoder{all, "taesd_decoder."};
    taesd_config c;
    c.encoder = encoder.find("0.weight");
    c.decoder = decoder.find("1.weight");
    if (!c.encoder && !c.decoder) return {};
    c.channels = c.encoder ? encoder.extent(0, "0.weight") : decoder.extent(0, "1.weight");
    c.z_channels = c.encoder ? encoder.extent(0, "14.weight") : decoder.extent(1, "1.weight");
    return c;
}

std::string difference(checkpoint const& all, std::string_view prefix, tensor_shapes const& expected) {
    for (auto const& [name, shape] : expected) {
        auto const full = std::string(prefix) + name;
        auto const there = all.find(full);
        if (!there) return std::format("tensor {} is missing", show_name(full));
        if (there->shape != shape)
            return std::format("tensor {} is {} where {} was expected", show_name(full), show_shape(*there),
                               show_shape({.type = there->type, .shape = shape}));
        if (stored_type::i64 <= there->type && there->type <= stored_type::boolean)
            return std::format("tensor {} holds {}, which is no number to compute with", show_name(full),
                               name_of(there->type));
    }
    return "";
}

std::string surplus(checkpoint const& all, std::string_view prefix, tensor_shapes const& expected) {
    for (auto t = all.tensors.lower_bound(prefix); t != all.tensors.end() && t->first.starts_with(prefix); ++t)
        if (!expected.contains(std::string_view(t->first).substr(prefix.size())))
            return std::format("tensor {} belongs to a part that this family does not have", show_name(t->first));
    return "";
}

} // namespace sfumato
