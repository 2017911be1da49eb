#include "models/networks/clip.h"

#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <format>

namespace sfumato {

namespace {

constexpr int most_layers = 200; // far more than any model has

} // namespace

std::optional<clip_config> clip_config::found_in(checkpoint const& all, std::string_view prefix) {
    clip_config c{.prefix = std::string(prefix)};
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

tensor_shapes clip_config::tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    add.weight("text_model.embeddings.token_embedding", {vocabulary, hidden});
    add.weight("text_model.embeddings.position_embedding", {context, hidden});
    for (int i = 0; i < layers; ++i) {
        auto const layer = std::format("text_model.encoder.layers.{}.", i);
        for (char const* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
            add.linear(layer + "self_attn." + part, hidden, hidden);
        add.norm(layer + "layer_norm1", hidden);
        add.norm(layer + "layer_norm2", hidden);
        add.linear(layer + "mlp.fc1", feed_forward, hidden);
        add.linear(layer + "mlp.fc2", hidden, feed_forward);
    }
    add.norm("text_model.final_layer_norm", hidden);
    if (projection) add.weight("text_projection", {projection, hidden});
    return list;
}

tensor_shapes clip_config::open_clip_tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    add.weight("token_embedding", {vocabulary, hidden});
    list["positional_embedding"] = {context, hidden};
    for (int i = 0; i < layers; ++i) {
        auto const layer = std::format("transformer.resblocks.{}.", i);
        list[layer + "attn.in_proj_weight"] = {3 * hidden, hidden};
        list[layer + "attn.in_proj_bias"] = {3 * hidden};
        add.linear(layer + "attn.out_proj", hidden, hidden);
        add.norm(layer + "ln_1", hidden);
        add.norm(layer + "ln_2", hidden);
        add.linear(layer + "mlp.c_fc", feed_forward, hidden);
        add.linear(layer + "mlp.c_proj", hidden, feed_forward);
    }
    add.norm("ln_final", hidden);
    if (projection) list["text_projection"] = {hidden, projection};
    return list;
}

std::string clip_config::in_words() const { return std::format("{} layers of width {}", layers, hidden); }

sentence clip_config::unfit() const {
    if (hidden % heads) return say("the text encoder's channels do not divide into its heads");
    if (hidden / heads % 8) return say("the text encoder's heads are {} wide", hidden / heads);
    if (context != 77) return say("not supported yet: the text encoder takes {} tokens", context);
    if (layers_used < 1) return say("the text encoder has no layers");
    return {};
}

} // namespace sfumato
