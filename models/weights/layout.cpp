#include "models/weights/layout.h"

#include "models/weights/layers.h"

#include <format>

namespace sfumato {

namespace {

// ---- UNet

void res_block(layers add, std::string const& name, int in, int out, int embedding) {
    add.norm(name + ".in_layers.0", in);
    add.conv(name + ".in_layers.2", out, in, 3);
    add.linear(name + ".emb_layers.1", out, embedding);
    add.norm(name + ".out_layers.0", out);
    add.conv(name + ".out_layers.3", out, out, 3);
    if (in != out) add.conv(name + ".skip_connection", out, in, 1);
}

void attention(layers add, std::string const& name, int channels, int context) {
    add.weight(name + ".to_q", {channels, channels});
    add.weight(name + ".to_k", {channels, context});
    add.weight(name + ".to_v", {channels, context});
    add.linear(name + ".to_out.0", channels, channels);
}

void transformer(layers add, std::string const& name, int channels, int depth, unet_config const& c) {
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

// ---- VAE

void vae_res_block(layers add, std::string const& name, int in, int out) {
    add.norm(name + ".norm1", in);
    add.conv(name + ".conv1", out, in, 3);
    add.norm(name + ".norm2", out);
    add.conv(name + ".conv2", out, out, 3);
    if (in != out) add.conv(name + ".nin_shortcut", out, in, 1);
}

void vae_middle(layers add, std::string const& name, int channels) {
    vae_res_block(add, name + ".block_1", channels, channels);
    add.norm(name + ".attn_1.norm", channels);
    for (char const* part : {"q", "k", "v", "proj_out"}) add.conv(name + ".attn_1." + part, channels, channels, 1);
    vae_res_block(add, name + ".block_2", channels, channels);
}

void vae_encoder(layers add, vae_config const& c) {
    int channels = c.channels;
    add.conv("encoder.conv_in", channels, 3, 3);
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level) {
        auto const name = std::format("encoder.down.{}.", level);
        for (int i = 0; i < c.res_blocks; ++i) {
            int const out = c.channels * c.channel_mult[level];
            vae_res_block(add, std::format("{}block.{}", name, i), channels, out);
            channels = out;
        }
        if (level + 1 < c.channel_mult.size()) add.conv(name + "downsample.conv", channels, channels, 3);
    }
    vae_middle(add, "encoder.mid", channels);
    add.norm("encoder.norm_out", channels);
    add.conv("encoder.conv_out", 2 * c.z_channels, channels, 3);
    if (c.quant_conv) add.conv("quant_conv", 2 * c.z_channels, 2 * c.z_channels, 1);
}

void vae_decoder(layers add, vae_config const& c) {
    int channels = c.channels * c.channel_mult.back();
    if (c.quant_conv) add.conv("post_quant_conv", c.z_channels, c.z_channels, 1);
    add.conv("decoder.conv_in", channels, c.z_channels, 3);
    vae_middle(add, "decoder.mid", channels);
    for (std::size_t level = c.channel_mult.size(); level-- > 0;) {
        auto const name = std::format("decoder.up.{}.", level);
        for (int i = 0; i <= c.res_blocks; ++i) {
            int const out = c.channels * c.channel_mult[level];
            vae_res_block(add, std::format("{}block.{}", name, i), channels, out);
            channels = out;
        }
        if (level > 0) add.conv(name + "upsample.conv", channels, channels, 3);
    }
    add.norm("decoder.norm_out", channels);
    add.conv("decoder.conv_out", 3, channels, 3);
}

// ---- TAESD: stages of one convolution without bias and three blocks.

void taesd_block(layers add, std::string const& name, int channels) {
    for (char const* conv : {".conv.0", ".conv.2", ".conv.4"}) add.conv(name + conv, channels, channels, 3);
}

// Layers numbered from `first`: `convs` of them before the blocks.
void taesd_stage(layers add, std::string const& half, int conv, int first_block, int blocks, int channels) {
    if (conv >= 0) add.weight(half + std::to_string(conv), {channels, channels, 3, 3});
    for (int i = 0; i < blocks; ++i) taesd_block(add, half + std::to_string(first_block + i), channels);
}

} // namespace

tensor_shapes unet_tensors(unet_config const& c) {
    tensor_shapes list;
    layers add{list};
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

tensor_shapes vae_tensors(vae_config const& c) {
    tensor_shapes list;
    if (c.encoder) vae_encoder({list}, c);
    if (c.decoder) vae_decoder({list}, c);
    return list;
}

tensor_shapes text_encoder_tensors(text_encoder_config const& c) {
    tensor_shapes list;
    layers add{list};
    add.weight("text_model.embeddings.token_embedding", {c.vocabulary, c.hidden});
    add.weight("text_model.embeddings.position_embedding", {c.context, c.hidden});
    for (int i = 0; i < c.layers; ++i) {
        auto const layer = std::format("text_model.encoder.layers.{}.", i);
        for (char const* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
            add.linear(layer + "self_attn." + part, c.hidden, c.hidden);
        add.norm(layer + "layer_norm1", c.hidden);
        add.norm(layer + "layer_norm2", c.hidden);
        add.linear(layer + "mlp.fc1", c.feed_forward, c.hidden);
        add.linear(layer + "mlp.fc2", c.hidden, c.feed_forward);
    }
    add.norm("text_model.final_layer_norm", c.hidden);
    if (c.projection) add.weight("text_projection", {c.projection, c.hidden});
    return list;
}

tensor_shapes open_clip_tensors(text_encoder_config const& c) {
    tensor_shapes list;
    layers add{list};
    add.weight("token_embedding", {c.vocabulary, c.hidden});
    list["positional_embedding"] = {c.context, c.hidden};
    for (int i = 0; i < c.layers; ++i) {
        auto const layer = std::format("transformer.resblocks.{}.", i);
        list[layer + "attn.in_proj_weight"] = {3 * c.hidden, c.hidden};
        list[layer + "attn.in_proj_bias"] = {3 * c.hidden};
        add.linear(layer + "attn.out_proj", c.hidden, c.hidden);
        add.norm(layer + "ln_1", c.hidden);
        add.norm(layer + "ln_2", c.hidden);
        add.linear(layer + "mlp.c_fc", c.feed_forward, c.hidden);
        add.linear(layer + "mlp.c_proj", c.hidden, c.feed_forward);
    }
    add.norm("ln_final", c.hidden);
    if (c.projection) list["text_projection"] = {c.hidden, c.projection};
    return list;
}

tensor_shapes taesd_tensors(taesd_config const& c) {
    tensor_shapes list;
    layers add{list};
    if (c.encoder) {
        std::string const half = "taesd_encoder.";
        add.conv(half + "0", c.channels, 3, 3);
        taesd_stage(add, half, -1, 1, 1, c.channels);
        for (int conv : {2, 6, 10}) taesd_stage(add, half, conv, conv + 1, 3, c.channels);
        add.conv(half + "14", c.z_channels, c.channels, 3);
    }
    if (c.decoder) {
        std::string const half = "taesd_decoder.";
        add.conv(half + "1", c.channels, c.z_channels, 3);
        taesd_stage(add, half, -1, 3, 3, c.channels);
        for (int conv : {7, 12}) taesd_stage(add, half, conv, conv + 1, 3, c.channels);
        taesd_stage(add, half, 17, 18, 1, c.channels);
        add.conv(half + "19", 3, c.channels, 3);
    }
    return list;
}

} // namespace sfumato
