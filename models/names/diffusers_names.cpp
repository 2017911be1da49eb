#include "models/names/diffusers_names.h"

#include <array>
#include <charconv>
#include <format>
#include <utility>

namespace sfumato {

namespace {

using pair = std::pair<std::string_view, std::string_view>;

// Takes "WORD." from the front of `rest`.
bool take(std::string_view& rest, std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
}

// Takes "NUMBER." from the front.
bool take(std::string_view& rest, int& number) {
    auto const [end, wrong] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (wrong != std::errc{} || number < 0 || number > 999 || end == rest.data() + rest.size() || *end != '.')
        return false;
    rest.remove_prefix(std::size_t(end - rest.data()) + 1);
    return true;
}

// The rest of a name with its first word replaced, if it is in the table.
template <std::size_t n> std::string replaced(std::string_view rest, std::array<pair, n> const& table) {
    for (auto const& [from, to] : table)
        if (take(rest, from)) return std::string(to) + std::string(rest);
    return std::string(rest);
}

constexpr std::array<pair, 6> res_block = {{
    {"norm1.", "in_layers.0."},
    {"conv1.", "in_layers.2."},
    {"time_emb_proj.", "emb_layers.1."},
    {"norm2.", "out_layers.0."},
    {"conv2.", "out_layers.3."},
    {"conv_shortcut.", "skip_connection."},
}};

constexpr std::array<pair, 7> unet_ends = {{
    {"conv_in.", "input_blocks.0.0."},
    {"time_embedding.linear_1.", "time_embed.0."},
    {"time_embedding.linear_2.", "time_embed.2."},
    {"add_embedding.linear_1.", "label_emb.0.0."},
    {"add_embedding.linear_2.", "label_emb.0.2."},
    {"conv_norm_out.", "out.0."},
    {"conv_out.", "out.2."},
}};

// What a block of the UNet is made of: resnets.J, attentions.J, downsamplers.0 or upsamplers.0.
struct block_part {
    enum { resnet, attention, sampler } kind;
    int number = 0;
    std::string_view rest;
};

bool read_part(std::string_view rest, block_part& part) {
    if (take(rest, "resnets."))
        part.kind = block_part::resnet;
    else if (take(rest, "attentions."))
        part.kind = block_part::attention;
    else if (take(rest, "downsamplers.") || take(rest, "upsamplers."))
        part.kind = block_part::sampler;
    else
        return false;
    if (!take(rest, part.number)) return false;
    part.rest = rest;
    return part.kind != block_part::sampler || take(part.rest, "conv.");
}

std::string down_name(int level, block_part const& p, int res_blocks) {
    int const first = 1 + level * (res_blocks + 1);
    if (p.kind == block_part::sampler) return std::format("input_blocks.{}.0.op.{}", first + res_blocks, p.rest);
    if (p.kind == block_part::attention) return std::format("input_blocks.{}.1.{}", first + p.number, p.rest);
    return std::format("input_blocks.{}.0.{}", first + p.number, replaced(p.rest, res_block));
}

std::string up_name(int level, block_part const& p, diffusers_unet const& unet) {
    int const first = level * (unet.res_blocks + 1);
    if (p.kind == block_part::sampler)
        return std::format("output_blocks.{}.{}.conv.{}", first + unet.res_blocks,
                           unet.up_with_attention.contains(level) ? 2 : 1, p.rest);
    if (p.kind == block_part::attention) return std::format("output_blocks.{}.1.{}", first + p.number, p.rest);
    return std::format("output_blocks.{}.0.{}", first + p.number, replaced(p.rest, res_block));
}

// ---- Back again

template <std::size_t n> std::string restored(std::string_view rest, std::array<pair, n> const& table) {
    for (auto const& [to, from] : table)
        if (take(rest, from)) return std::string(to) + std::string(rest);
    return std::string(rest);
}

// What is number `slot` of a block, behind "input_blocks.4." or "output_blocks.4.".
std::string part_name(int slot, int number, std::string_view rest, std::string_view sampler) {
    if (rest == "op." || rest == "conv.") return std::format("{}.0.conv.", sampler);
    return slot == 0 ? std::format("resnets.{}.{}", number, restored(rest, res_block))
                     : std::format("attentions.{}.{}", number, rest);
}

// ---- VAE

constexpr std::array<pair, 1> vae_res_block = {{{"conv_shortcut.", "nin_shortcut."}}};

// New names and those before diffusers 0.13.
constexpr std::array<pair, 9> vae_attention = {{
    {"group_norm.", "norm."},
    {"to_q.", "q."},
    {"to_k.", "k."},
    {"to_v.", "v."},
    {"to_out.0.", "proj_out."},
    {"query.", "q."},
    {"key.", "k."},
    {"value.", "v."},
    {"proj_attn.", "proj_out."},
}};

std::string vae_level_name(std::string_view level, block_part const& p, std::string_view sampler) {
    if (p.kind == block_part::sampler) return std::format("{}.{}.conv.{}", level, sampler, p.rest);
    return std::format("{}.block.{}.{}", level, p.number, replaced(p.rest, vae_res_block));
}

std::string vae_half_name(std::string_view name, int levels) {
    auto rest = name;
    int number = 0;
    block_part part{};
    if (take(rest, "down_blocks.") && take(rest, number) && read_part(rest, part))
        return vae_level_name(std::format("down.{}", number), part, "downsample");
    if (rest = name; take(rest, "up_blocks.") && take(rest, number) && read_part(rest, part))
        return vae_level_name(std::format("up.{}", levels - 1 - number), part, "upsample");
    if (rest = name; take(rest, "mid_block.") && read_part(rest, part))
        return part.kind == block_part::attention
                   ? "mid.attn_1." + replaced(part.rest, vae_attention)
                   : std::format("mid.block_{}.{}", part.number + 1, replaced(part.rest, vae_res_block));
    if (rest = name; take(rest, "conv_norm_out.")) return "norm_out." + std::string(rest);
    return std::string(name);
}

} // namespace

void diffusers_unet::see(std::string_view name) {
    int level = 0;
    block_part part{};
    if (take(name, "down_blocks.0.") && read_part(name, part) && part.kind == block_part::resnet)
        res_blocks = std::max(res_blocks, part.number + 1);
    else if (take(name, "up_blocks.") && take(name, level) && read_part(name, part) &&
             part.kind == block_part::attention)
        up_with_attention.insert(level);
}

std::string ldm_unet_name(std::string_view name, diffusers_unet const& unet) {
    auto rest = name;
    int level = 0;
    block_part part{};
    if (take(rest, "down_blocks.") && take(rest, level) && read_part(rest, part))
        return down_name(level, part, unet.res_blocks);
    if (rest = name; take(rest, "up_blocks.") && take(rest, level) && read_part(rest, part))
        return up_name(level, part, unet);
    if (rest = name; take(rest, "mid_block.") && read_part(rest, part))
        return part.kind == block_part::attention
                   ? "middle_block.1." + std::string(part.rest)
                   : std::format("middle_block.{}.{}", 2 * part.number, replaced(part.rest, res_block));
    return replaced(name, unet_ends);
}

std::string diffusers_unet_name(std::string_view module, int res_blocks) {
    std::string const whole = std::string(module) + ".";
    std::string_view rest = whole;
    std::string made;
    int block = 0, slot = 0;
    int const down = res_blocks + 1; // blocks a level
    if (rest == "input_blocks.0.0.")
        made = "conv_in.";
    else if (take(rest, "input_blocks.") && take(rest, block) && take(rest, slot) && block > 0)
        made = std::format("down_blocks.{}.{}", (block - 1) / down,
                           part_name(slot, (block - 1) % down, rest, "downsamplers"));
    else if (rest = whole; take(rest, "output_blocks.") && take(rest, block) && take(rest, slot))
        made = std::format("up_blocks.{}.{}", block / down, part_name(slot, block % down, rest, "upsamplers"));
    else if (rest = whole; take(rest, "middle_block.") && take(rest, slot))
        made = "mid_block." + part_name(slot % 2, slot / 2, rest, "");
    else
        made = restored(whole, unet_ends);
    made.pop_back();
    return made;
}

std::string ldm_vae_name(std::string_view name, int levels) {
    for (std::string_view half : {"encoder.", "decoder."})
        if (auto rest = name; take(rest, half)) return std::string(half) + vae_half_name(rest, levels);
    return std::string(name);
}

int up_block_of(std::string_view name) {
    auto const at = name.find("up_blocks.");
    if (at == name.npos) return -1;
    name.remove_prefix(at + 10);
    int number = 0;
    return take(name, number) ? number : -1;
}

} // namespace sfumato
