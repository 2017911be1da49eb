#include "models/names/canonical.h"

#include "compute/error.h"
#include "models/files/prefixes.h"
#include "models/files/wrapper.h"
#include "models/names/diffusers_names.h"
#include "models/names/lama_names.h"
#include "models/names/migan_names.h"
#include "models/names/mmdit_names.h"
#include "models/names/t5_names.h"
#include "models/names/upscaler_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <format>
#include <map>
#include <optional>
#include <vector>

namespace sfumato {

namespace {

using tensor_map = decltype(checkpoint::tensors);

// Schedules and averages that training leaves behind, and what follows from the architecture.
bool is_needless(std::string_view name) {
    constexpr std::array beginnings = {"model_ema.",
                                       "betas",
                                       "alphas_cumprod",
                                       "sqrt_",
                                       "log_one_minus_alphas",
                                       "posterior_",
                                       "first_stage_model.loss.",
                                       "loss.",
                                       "lvlb_weights",
                                       "logvar",
                                       "scale_factor"};
    constexpr std::array endings = {"position_ids", "logit_scale", ".attn_mask"};
    return std::ranges::any_of(beginnings, [&](std::string_view b) { return name.starts_with(b); }) ||
           std::ranges::any_of(endings, [&](std::string_view e) { return name.ends_with(e); });
}

void take_from_wrapper(checkpoint& c) {
    std::string_view const wrapper = wrapper_of(c.tensors);
    if (wrapper.empty()) return;
    tensor_map inside;
    for (auto& [name, tensor] : c.tensors)
        if (name.starts_with(wrapper)) inside.emplace(name.substr(wrapper.size()), std::move(tensor));
    c.tensors = std::move(inside);
}

// A network that stands in a file under another prefix, or under none: known by a tensor of it.
struct known_place {
    std::string_view tensor, prefix, canonical_prefix;
};

constexpr known_place places[] = {
    {"diffusion_model.input_blocks.0.0.weight", "diffusion_model.", unet_prefix},
    {"input_blocks.0.0.weight", "", unet_prefix},
    {"down_blocks.0.resnets.0.conv1.weight", "", unet_prefix},
    {"diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "diffusion_model.", unet_prefix},
    {"joint_blocks.0.x_block.attn.qkv.weight", "", unet_prefix},
    {"transformer_blocks.0.attn.add_q_proj.weight", "", unet_prefix},
    {"encoder.block.0.layer.0.SelfAttention.q.weight", "", t5_prefix},
    {"enc.blk.0.attn_rel_b.weight", "", t5_prefix},
    {"vae.decoder.conv_in.weight", "vae.", vae_prefix},
    {"vae.encoder.conv_in.weight", "vae.", vae_prefix},
    {"decoder.conv_in.weight", "", vae_prefix},
    {"encoder.conv_in.weight", "", vae_prefix},
    {"text_model.embeddings.token_embedding.weight", "", clip_prefix},
    {"embeddings.token_embedding.weight", "", clip_prefix},
    {"transformer.resblocks.0.ln_1.weight", "", "cond_stage_model.model."},
    {"decoder.layers.0.weight", "", "taesd_"},
    {"encoder.layers.0.weight", "", "taesd_"},
    {"3.conv.0.weight", "", ""}, // one half of TAESD: taesd_half says which
};

// The original files of TAESD number the layers of one half: the encoder begins with layer 0, the decoder with 1.
std::string_view taesd_half(checkpoint const& c) { return c.find("0.weight") ? "taesd_encoder." : "taesd_decoder."; }

// Marks of training programs, not tensors of a network (models/library/find_prediction.h).
bool is_mark(std::string_view name) { return name == "v_pred" || name == "ztsnr"; }

void put_prefixes(checkpoint& c) {
    for (known_place const& place : places) {
        if (!c.find(place.tensor)) continue;
        auto const prefix = place.tensor == "3.conv.0.weight" ? taesd_half(c) : place.canonical_prefix;
        tensor_map renamed;
        for (auto& [name, tensor] : c.tensors)
            renamed.emplace(name.starts_with(place.prefix) && !is_mark(name)
                                ? std::string(prefix) + name.substr(place.prefix.size())
                                : name,
                            std::move(tensor));
        c.tensors = std::move(renamed);
        return;
    }
}

// ---- Text encoders

bool replace_front(std::string& name, std::string_view from, std::string_view to) {
    if (!name.starts_with(from)) return false;
    name.replace(0, from.size(), to);
    return true;
}

// transformer.resblocks.N.ln_1.weight → text_model.encoder.layers.N.layer_norm1.weight
std::string transformers_name(std::string name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> parts = {{
        {".ln_1.", ".layer_norm1."},
        {".ln_2.", ".layer_norm2."},
        {".mlp.c_fc.", ".mlp.fc1."},
        {".mlp.c_proj.", ".mlp.fc2."},
        {".attn.out_proj.", ".self_attn.out_proj."},
    }};
    if (name == "positional_embedding") return "text_model.embeddings.position_embedding.weight";
    if (name == "text_projection") return "text_projection.weight";
    if (replace_front(name, "token_embedding.", "text_model.embeddings.token_embedding.") ||
        replace_front(name, "ln_final.", "text_model.final_layer_norm.") ||
        !replace_front(name, "transformer.resblocks.", "text_model.encoder.layers."))
        return name;
    for (auto const& [from, to] : parts)
        if (auto const at = name.find(from); at != name.npos) return name.replace(at, from.size(), to);
    return name;
}

// Rows first … first + rows − 1: a part of the same bytes.
stored_tensor rows_of(stored_tensor const& whole, std::int64_t first, std::int64_t rows) {
    stored_tensor part{.type = whole.type, .shape = whole.shape};
    part.shape[0] = rows;
    std::size_t const size = part.bytes(), begin = size / std::size_t(rows) * std::size_t(first);
    if (!whole.make)
        part.mapped = whole.mapped.subspan(begin, size);
    else
        part.make = [whole, begin](std::span<std::byte> bytes) {
            std::vector<std::byte> scratch;
            std::memcpy(bytes.data(), whole.read(scratch).data() + begin, bytes.size());
        };
    return part;
}

stored_tensor transposed(stored_tensor const& matrix) {
    auto const rows = std::size_t(matrix.shape[0]), columns = std::size_t(matrix.shape[1]);
    stored_tensor result{.type = matrix.type, .shape = {matrix.shape[1], matrix.shape[0]}};
    result.make = [matrix, rows, columns](std::span<std::byte> bytes) {
        std::vector<std::byte> scratch;
        auto const from = matrix.read(scratch);
        std::size_t const size = from.size() / (rows * columns);
        for (std::size_t c = 0; c < columns; ++c)
            for (std::size_t r = 0; r < rows; ++r)
                std::memcpy(&bytes[(c * rows + r) * size], &from[(r * columns + c) * size], size);
    };
    return result;
}

// Collects tensors under their final names.
struct renaming {
    checkpoint const& source;
    tensor_map tensors;

    void put(std::string name, stored_tensor tensor) {
        auto const [at, is_new] = tensors.emplace(std::move(name), std::move(tensor));
        if (!is_new) fail("'{}' holds tensor {} twice, under two names.", source.source, show_name(at->first));
    }
};

// NAME.attn.in_proj_weight → NAME.self_attn.q_proj.weight, k_proj, v_proj
void put_thirds(renaming& all, std::string_view layer, std::string_view ending, stored_tensor const& whole) {
    stored_tensor third = whole;
    std::int64_t const rows = whole.shape.empty() ? 0 : whole.shape[0] / 3;
    if (!third.shape.empty()) third.shape[0] = rows;
    auto const size = stored_bytes(third.type, third.shape);
    if (rows == 0 || !size || 3 * *size != whole.bytes())
        fail("'{}' is damaged: {} of {} are not queries, keys and values.", all.source.source,
             show_name(std::format("{}.attn.in_proj_{}", layer, ending)), show_shape(whole));
    int i = 0;
    for (char part : {'q', 'k', 'v'})
        all.put(std::format("{}.self_attn.{}_proj.{}", layer, part, ending), rows_of(whole, rows * i++, rows));
}

// A tensor of open_clip, `name` behind `prefix`.model.
void put_open_clip(renaming& all, std::string const& prefix, std::string_view name, stored_tensor tensor) {
    std::string renamed = prefix + transformers_name(std::string(name));
    for (std::string_view ending : {"weight", "bias"}) {
        auto const fused = std::format(".attn.in_proj_{}", ending);
        if (renamed.ends_with(fused))
            return put_thirds(all, renamed.substr(0, renamed.size() - fused.size()), ending, tensor);
    }
    if (name == "text_projection") {
        if (tensor.shape.size() != 2 || tensor.count() == 0 || tensor.bytes() % tensor.count())
            fail("'{}' has a text_projection of {}, which is not supported.", all.source.source, show_shape(tensor));
        tensor = transposed(tensor);
    }
    all.put(std::move(renamed), std::move(tensor));
}

// Returns whether it is one, and then it has been put.
bool put_text_encoder(renaming& all, std::string_view name, stored_tensor& tensor) {
    for (std::string const prefix : {"cond_stage_model.", "conditioner.embedders.0.", "conditioner.embedders.1.",
                                     "text_encoders.clip_l.", "text_encoders.clip_g."}) {
        if (!name.starts_with(prefix)) continue;
        std::string rest(name.substr(prefix.size()));
        if (replace_front(rest, "model.", "")) {
            put_open_clip(all, prefix + "transformer.", rest, std::move(tensor));
            return true;
        }
        // Before transformers 4.0, and since 5.0, without text_model.
        for (std::string const part : {"embeddings.", "encoder.", "final_layer_norm."})
            replace_front(rest, "transformer." + part, "transformer.text_model." + part);
        all.put(prefix + rest, std::move(tensor));
        return true;
    }
    return false;
}

// The table of tokens stands in some files under two names, or only under the second.
void put_t5(renaming& all, std::string_view name, stored_tensor tensor) {
    std::string const shared = std::string(t5_prefix) + "shared.weight",
                      renamed = std::string(t5_prefix) + transformers_t5_name(name.substr(t5_prefix.size()));
    if (!renamed.ends_with(".encoder.embed_tokens.weight")) return all.put(renamed, std::move(tensor));
    if (!all.source.find(shared)) all.put(shared, std::move(tensor));
}

// ---- UNet, MMDiT, VAE, TAESD

// Parts one after the other, along their first dimension; they agree in the others.
stored_tensor joined(std::vector<stored_tensor> parts) {
    stored_tensor whole{.type = parts[0].type, .shape = parts[0].shape, .mapped = {}, .make = {}};
    whole.shape[0] = 0;
    for (stored_tensor const& part : parts) whole.shape[0] += part.shape[0];
    whole.make = [parts = std::move(parts)](std::span<std::byte> to) {
        for (stored_tensor const& part : parts) {
            std::vector<std::byte> scratch;
            auto const from = part.read(scratch);
            std::ranges::copy(from, to.begin());
            to = to.subspan(from.size());
        }
    };
    return whole;
}

// Scale and shift, which diffusers has the other way round.
stored_tensor swapped_halves(renaming const& all, std::string_view name, stored_tensor const& t) {
    std::int64_t const half = t.shape.empty() ? 0 : t.shape[0] / 2;
    stored_tensor part = t;
    if (half) part.shape[0] = half;
    auto const size = stored_bytes(part.type, part.shape);
    if (half == 0 || t.shape[0] % 2 || !size || 2 * *size != t.bytes())
        fail("'{}' is damaged: {} of {} are not scale and shift.", all.source.source, show_name(name), show_shape(t));
    return joined({rows_of(t, half, half), rows_of(t, 0, half)});
}

// Queries, keys and values of an MMDiT, until all three are there.
using thirds = std::map<std::string, std::array<std::optional<stored_tensor>, 3>>;

void put_thirds_of(renaming& all, thirds& fused) {
    for (auto& [name, parts] : fused) {
        std::vector<stored_tensor> three;
        for (auto& part : parts) {
            if (part && !three.empty() && part->type != three[0].type)
                fail("'{}' has queries, keys and values of {} in different types, {} and {}, which is not supported: "
                     "choose another file.",
                     all.source.source, show_name(name), name_of(three[0].type), name_of(part->type));
            if (!part || (!three.empty() && part->shape != three[0].shape))
                fail("'{}' is damaged: what belongs to {} is missing or does not fit together.", all.source.source,
                     show_name(name));
            three.push_back(std::move(*part));
        }
        all.put(name, joined(std::move(three)));
    }
}

bool is_vae_attention_matrix(std::string_view name, stored_tensor const& t) {
    return t.shape.size() == 2 && name.find(".mid.attn_1.") != name.npos && name.ends_with(".weight");
}

// taesd_encoder.layers.N → taesd_encoder.N; the decoder counts from 1: layer 0 of the original is the clamp.
std::string taesd_name(std::string name) {
    replace_front(name, "taesd_encoder.layers.", "taesd_encoder.");
    constexpr std::string_view decoder = "taesd_decoder.layers.";
    if (!name.starts_with(decoder)) return name;
    std::size_t const end = std::min(name.find('.', decoder.size()), name.size());
    int number = 0;
    std::from_chars(name.data() + decoder.size(), name.data() + end, number);
    return std::format("taesd_decoder.{}{}", number + 1, name.substr(end));
}

struct numbering {
    diffusers_unet unet;
    int vae_levels = 0;
    int mmdit_blocks = 0; // in diffusers' names; 0: it is none
};

numbering numbering_of(tensor_map const& tensors) {
    numbering n;
    int blocks = 0;
    bool is_mmdit = false; // FLUX, Qwen-Image and others, whose blocks have the same names, have no such table
    for (auto const& [name, tensor] : tensors)
        if (name.starts_with(unet_prefix)) {
            auto const rest = std::string_view(name).substr(unet_prefix.size());
            n.unet.see(rest);
            blocks = std::max(blocks, transformer_block_of(rest) + 1);
            is_mmdit |= rest == "pos_embed.proj.weight";
        } else if (name.starts_with(vae_prefix))
            n.vae_levels = std::max(n.vae_levels, up_block_of(name) + 1);
    if (is_mmdit) n.mmdit_blocks = blocks;
    return n;
}

void put_mmdit(renaming& all, thirds& fused, std::string_view name, stored_tensor tensor, int blocks) {
    mmdit_place const at = mmdit_place_of(name.substr(unet_prefix.size()), blocks);
    std::string const full = std::string(unet_prefix) + at.name;
    if (at.third >= 0 && !tensor.shape.empty()) // a scale is no part of them
        fused[full][std::size_t(at.third)] = std::move(tensor);
    else
        all.put(full, at.swapped ? swapped_halves(all, name, tensor) : std::move(tensor));
}

void put_canonical(renaming& all, thirds& fused, std::string const& name, stored_tensor tensor, numbering const& n) {
    std::string_view const text = name;
    if (is_needless(name) || put_text_encoder(all, name, tensor)) return;
    if (name.starts_with(t5_prefix)) return put_t5(all, name, std::move(tensor));
    if (n.mmdit_blocks && name.starts_with(unet_prefix))
        return put_mmdit(all, fused, name, std::move(tensor), n.mmdit_blocks);
    std::string renamed = name;
    if (name.starts_with("taesd_")) renamed = taesd_name(name);
    if (name.starts_with(unet_prefix))
        renamed = std::string(unet_prefix) + ldm_unet_name(text.substr(unet_prefix.size()), n.unet);
    if (name.starts_with(vae_prefix)) {
        renamed = std::string(vae_prefix) + ldm_vae_name(text.substr(vae_prefix.size()), n.vae_levels);
        if (is_vae_attention_matrix(renamed, tensor)) tensor.shape.insert(tensor.shape.end(), {1, 1});
    }
    all.put(std::move(renamed), std::move(tensor));
}

} // namespace

void use_canonical_names(checkpoint& c) {
    take_from_wrapper(c);
    renaming all{c, {}};
    if (auto const wrapper = lama_wrapper_of(c)) {
        for (auto& [name, tensor] : c.tensors)
            if (auto const ours = lama_name(name, *wrapper); !ours.empty())
                all.put(std::string(ours), std::move(tensor));
    } else if (auto const around = migan_wrapper_of(c)) {
        for (auto& [name, tensor] : c.tensors)
            if (auto ours = migan_name(name, *around); !ours.empty()) all.put(std::move(ours), std::move(tensor));
    } else if (auto const names = upscaler_names_of(c)) {
        for (auto& [name, tensor] : c.tensors) all.put(names->canonical(name), std::move(tensor));
    } else {
        put_prefixes(c);
        numbering const n = numbering_of(c.tensors);
        thirds fused;
        for (auto& [name, tensor] : c.tensors) put_canonical(all, fused, name, std::move(tensor), n);
        put_thirds_of(all, fused);
    }
    c.tensors = std::move(all.tensors);
}

} // namespace sfumato
