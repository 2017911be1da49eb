#include "models/names/mmdit_names.h"

#include <array>
#include <charconv>
#include <format>

namespace sfumato {

namespace {

// Modules.
struct row {
    std::string_view theirs, ours;
    int third = -1;
};

// Of a block.
constexpr std::array of_block{row{"attn.to_q", "x_block.attn.qkv", 0},
                              row{"attn.to_k", "x_block.attn.qkv", 1},
                              row{"attn.to_v", "x_block.attn.qkv", 2},
                              row{"attn.to_out.0", "x_block.attn.proj"},
                              row{"attn.norm_q", "x_block.attn.ln_q"},
                              row{"attn.norm_k", "x_block.attn.ln_k"},
                              row{"attn.add_q_proj", "context_block.attn.qkv", 0},
                              row{"attn.add_k_proj", "context_block.attn.qkv", 1},
                              row{"attn.add_v_proj", "context_block.attn.qkv", 2},
                              row{"attn.to_add_out", "context_block.attn.proj"},
                              row{"attn.norm_added_q", "context_block.attn.ln_q"},
                              row{"attn.norm_added_k", "context_block.attn.ln_k"},
                              row{"attn2.to_q", "x_block.attn2.qkv", 0},
                              row{"attn2.to_k", "x_block.attn2.qkv", 1},
                              row{"attn2.to_v", "x_block.attn2.qkv", 2},
                              row{"attn2.to_out.0", "x_block.attn2.proj"},
                              row{"attn2.norm_q", "x_block.attn2.ln_q"},
                              row{"attn2.norm_k", "x_block.attn2.ln_k"},
                              row{"norm1.linear", "x_block.adaLN_modulation.1"},
                              row{"norm1_context.linear", "context_block.adaLN_modulation.1"},
                              row{"ff.net.0.proj", "x_block.mlp.fc1"},
                              row{"ff.net.2", "x_block.mlp.fc2"},
                              row{"ff_context.net.0.proj", "context_block.mlp.fc1"},
                              row{"ff_context.net.2", "context_block.mlp.fc2"}};

constexpr std::array others{row{"pos_embed.pos_embed", "pos_embed"},
                            row{"pos_embed.proj", "x_embedder.proj"},
                            row{"time_text_embed.timestep_embedder.linear_1", "t_embedder.mlp.0"},
                            row{"time_text_embed.timestep_embedder.linear_2", "t_embedder.mlp.2"},
                            row{"time_text_embed.text_embedder.linear_1", "y_embedder.mlp.0"},
                            row{"time_text_embed.text_embedder.linear_2", "y_embedder.mlp.2"},
                            row{"norm_out.linear", "final_layer.adaLN_modulation.1"},
                            row{"proj_out", "final_layer.linear"}};

constexpr std::string_view block_start = "transformer_blocks.";

bool is_in(std::string_view name, std::string_view module) {
    return name.starts_with(module) && (name.size() == module.size() || name[module.size()] == '.');
}

template <class Table> mmdit_place replaced(std::string_view name, Table const& table) {
    for (row const& r : table)
        if (is_in(name, r.theirs)) return {std::string(r.ours) + std::string(name.substr(r.theirs.size())), r.third};
    return {std::string(name)};
}

} // namespace

int transformer_block_of(std::string_view name) {
    if (!name.starts_with(block_start)) return -1;
    name.remove_prefix(block_start.size());
    int number = -1;
    auto const [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    constexpr int most = 1 << 16;
    bool const is_one =
        wrong == std::errc{} && number >= 0 && number < most && end != name.data() + name.size() && *end == '.';
    return is_one ? number : -1;
}

mmdit_place mmdit_place_of(std::string_view name, int blocks) {
    int const block = transformer_block_of(name);
    if (block < 0) {
        mmdit_place at = replaced(name, others);
        at.swapped = is_in(name, "norm_out.linear");
        return at;
    }
    auto const rest = name.substr(name.find('.', block_start.size()) + 1);
    mmdit_place at = replaced(rest, of_block);
    at.name = std::format("joint_blocks.{}.{}", block, at.name);
    at.swapped = block + 1 == blocks && is_in(rest, "norm1_context.linear");
    return at;
}

std::vector<std::string> mmdit_modules(int blocks) {
    std::vector<std::string> all;
    for (int i = 0; i < blocks; ++i)
        for (row const& r : of_block) all.push_back(std::format("{}{}.{}", block_start, i, r.theirs));
    for (row const& r : others) all.emplace_back(r.theirs);
    return all;
}

} // namespace sfumato
