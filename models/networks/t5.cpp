#include "models/networks/t5.h"

#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

constexpr int most_layers = 200; // far more than any model has
constexpr char const* bias_name = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias";

} // namespace

std::optional<t5_config> t5_config::found_in(checkpoint const& all) {
    network_tensors const n{all, t5_prefix};
    if (!n.find("{}.weight", bias_name)) return {};
    t5_config c;
    c.vocabulary = n.extent(0, "shared.weight");
    c.width = n.extent(1, "shared.weight");
    c.heads = std::max(1, n.extent(1, "{}.weight", bias_name));
    c.head_channels = n.extent(0, "encoder.block.0.layer.0.SelfAttention.q.weight") / c.heads;
    c.layers = count(n, "encoder.block", "layer.0.layer_norm.weight", most_layers);
    c.feed_forward = n.extent(0, "encoder.block.0.layer.1.DenseReluDense.wi_0.weight");
    return c;
}

tensor_shapes t5_config::tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    add.weight("shared", {vocabulary, width});
    add.weight(bias_name, {buckets, heads});
    int const inner = heads * head_channels;
    for (int i = 0; i < layers; ++i) {
        auto const layer = std::format("encoder.block.{}.layer.", i), attention = layer + "0.SelfAttention.",
                   dense = layer + "1.DenseReluDense.";
        for (char const* part : {"q", "k", "v"}) add.weight(attention + part, {inner, width});
        add.weight(attention + "o", {width, inner});
        for (char const* part : {"wi_0", "wi_1"}) add.weight(dense + part, {feed_forward, width});
        add.weight(dense + "wo", {width, feed_forward});
        for (char const* norm : {"0.layer_norm", "1.layer_norm"}) add.weight(layer + norm, {width});
    }
    add.weight("encoder.final_layer_norm", {width});
    return list;
}

std::string t5_config::in_words() const { return std::format("{} layers of width {}", layers, width); }

sentence t5_config::unfit() const {
    constexpr int known_tokens = 32128; // of T5 v1.1; UMT5 has others
    if (layers < 1) return say("the T5 text encoder has no layers");
    if (vocabulary < 3 || vocabulary > known_tokens)
        return say("the T5 text encoder has {} tokens, and T5 v1.1 has {}", vocabulary, known_tokens);
    if (head_channels < 8 || head_channels % 8) return say("the T5 text encoder's heads are {} wide", head_channels);
    return {};
}

} // namespace sfumato
