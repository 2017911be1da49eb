#include "models/networks/mmdit.h"

#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

constexpr int most_depth = 128; // far more than any model has

// One stream of a joint block: of the picture ("x_block") or of the text.
struct stream {
    bool ends = false; // after its keys and values: of the text, in the last block
    bool dual = false;
};

void put_attention(layer_writer add, std::string const& name, mmdit_config const& c, bool projected) {
    add.linear(name + ".qkv", 3 * c.width(), c.width());
    if (c.qk_norm)
        for (char const* norm : {".ln_q", ".ln_k"}) add.weight(name + norm, {mmdit_config::head_channels});
    if (projected) add.linear(name + ".proj", c.width(), c.width());
}

void put_stream(layer_writer add, std::string const& name, mmdit_config const& c, stream const& s) {
    int const width = c.width();
    put_attention(add, name + ".attn", c, !s.ends);
    if (s.dual) put_attention(add, name + ".attn2", c, true);
    if (!s.ends) {
        add.linear(name + ".mlp.fc1", 4 * width, width);
        add.linear(name + ".mlp.fc2", width, 4 * width);
    }
    add.linear(name + ".adaLN_modulation.1", (s.ends ? 2 : s.dual ? 9 : 6) * width, width);
}

} // namespace

std::optional<mmdit_config> mmdit_config::found_in(checkpoint const& all) {
    network_tensors const n{all, unet_prefix};
    if (!n.find("joint_blocks.0.x_block.attn.qkv.weight")) return {};
    mmdit_config c;
    c.depth = std::clamp(n.extent(0, "x_embedder.proj.weight") / head_channels, 1, most_depth);
    c.in_channels = n.extent(1, "x_embedder.proj.weight");
    c.table_side = int(std::lround(std::sqrt(n.extent(1, "pos_embed"))));
    c.context_channels = n.extent(1, "context_embedder.weight");
    c.pooled_channels = n.extent(1, "y_embedder.mlp.0.weight");
    c.qk_norm = n.find("joint_blocks.0.x_block.attn.ln_q.weight");
    c.dual_blocks = 0;
    while (c.dual_blocks < c.depth && n.find("joint_blocks.{}.x_block.attn2.qkv.weight", c.dual_blocks))
        ++c.dual_blocks;
    return c;
}

tensor_shapes mmdit_config::tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    list["pos_embed"] = {1, std::int64_t(table_side) * table_side, width()};
    add.conv("x_embedder.proj", width(), in_channels, patch);
    for (auto const& [name, inputs] : {std::pair("t_embedder", waves), std::pair("y_embedder", pooled_channels)}) {
        add.linear(name + std::string(".mlp.0"), width(), inputs);
        add.linear(name + std::string(".mlp.2"), width(), width());
    }
    add.linear("context_embedder", width(), context_channels);
    for (int i = 0; i < depth; ++i) {
        auto const block = std::format("joint_blocks.{}.", i);
        put_stream(add, block + "context_block", *this, {.ends = i + 1 == depth});
        put_stream(add, block + "x_block", *this, {.dual = i < dual_blocks});
    }
    add.linear("final_layer.linear", patch * patch * in_channels, width());
    add.linear("final_layer.adaLN_modulation.1", 2 * width(), width());
    return list;
}

std::string mmdit_config::in_words() const {
    return std::format("{} joint blocks of width {}, a text of width {}, positions of {} × {} patches", depth, width(),
                       context_channels, table_side, table_side);
}

sentence mmdit_config::unfit() const {
    if (in_channels != 16) return say("not supported yet: the MMDiT takes {} channels", in_channels);
    return {};
}

} // namespace sfumato
