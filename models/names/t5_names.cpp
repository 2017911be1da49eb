#include "models/names/t5_names.h"

#include <array>
#include <utility>

namespace sfumato {

namespace {

using pair = std::pair<std::string_view, std::string_view>;

// Behind "enc.blk.N.".
constexpr std::array<pair, 10> parts = {{
    {"attn_q.", "layer.0.SelfAttention.q."},
    {"attn_k.", "layer.0.SelfAttention.k."},
    {"attn_v.", "layer.0.SelfAttention.v."},
    {"attn_o.", "layer.0.SelfAttention.o."},
    {"attn_rel_b.", "layer.0.SelfAttention.relative_attention_bias."},
    {"attn_norm.", "layer.0.layer_norm."},
    {"ffn_gate.", "layer.1.DenseReluDense.wi_0."},
    {"ffn_up.", "layer.1.DenseReluDense.wi_1."},
    {"ffn_down.", "layer.1.DenseReluDense.wo."},
    {"ffn_norm.", "layer.1.layer_norm."},
}};

} // namespace

std::string transformers_t5_name(std::string_view name) {
    if (name == "token_embd.weight") return "shared.weight";
    if (name == "enc.output_norm.weight") return "encoder.final_layer_norm.weight";
    constexpr std::string_view start = "enc.blk.";
    std::size_t const dot = name.starts_with(start) ? name.find('.', start.size()) : name.npos;
    if (dot == name.npos) return std::string(name);
    std::string const block = "encoder.block." + std::string(name.substr(start.size(), dot + 1 - start.size()));
    std::string_view const rest = name.substr(dot + 1);
    for (auto const& [from, to] : parts)
        if (rest.starts_with(from)) return block + std::string(to) + std::string(rest.substr(from.size()));
    return std::string(name);
}

} // namespace sfumato
