#include "models/names/lora_names.h"

#include "models/files/prefixes.h"
#include "models/names/diffusers_names.h"
#include "models/names/mmdit_names.h"
#include "models/networks/unet.h"

#include <algorithm>
#include <array>
#include <format>
#include <utility>

namespace sfumato {

namespace {

// ---- Parts

struct ending {
    std::string_view text;
    lora_part part;
};

constexpr ending endings[] = {
    {".lora_up.weight", lora_part::up},
    {".lora_down.weight", lora_part::down},
    {".lora_mid.weight", lora_part::core},
    {".lora_B.weight", lora_part::up},
    {".lora_A.weight", lora_part::down},
    {".lora_B.default.weight", lora_part::up},
    {".lora_A.default.weight", lora_part::down},
    {".lora_B", lora_part::up},
    {".lora_A", lora_part::down},
    {".lora.up.weight", lora_part::up},
    {".lora.down.weight", lora_part::down},
    {"_lora.up.weight", lora_part::up},
    {"_lora.down.weight", lora_part::down},
    {".lora_linear_layer.up.weight", lora_part::up},
    {".lora_linear_layer.down.weight", lora_part::down},
    {".alpha", lora_part::alpha},
    {".dora_scale", lora_part::magnitude},
    {".lora_magnitude_vector", lora_part::magnitude_of_outputs},
    {".lora_magnitude_vector.weight", lora_part::magnitude_of_outputs},
    {".lora_magnitude_vector.default.weight", lora_part::magnitude_of_outputs},
    {".hada_w1_a", lora_part::hada_1a},
    {".hada_w1_b", lora_part::hada_1b},
    {".hada_t1", lora_part::hada_1t},
    {".hada_w2_a", lora_part::hada_2a},
    {".hada_w2_b", lora_part::hada_2b},
    {".hada_t2", lora_part::hada_2t},
    {".lokr_w1", lora_part::lokr_1},
    {".lokr_w1_a", lora_part::lokr_1a},
    {".lokr_w1_b", lora_part::lokr_1b},
    {".lokr_w2", lora_part::lokr_2},
    {".lokr_w2_a", lora_part::lokr_2a},
    {".lokr_w2_b", lora_part::lokr_2b},
    {".lokr_t2", lora_part::lokr_2t},
    {".diff", lora_part::weight},
    {".w_norm", lora_part::weight},
    {".diff_b", lora_part::bias},
    {".b_norm", lora_part::bias},
    {".lora_B.bias", lora_part::bias},
    {".lora_up.bias", lora_part::bias},
    {".a1.weight", lora_part::glora},
    {".a2.weight", lora_part::glora},
    {".b1.weight", lora_part::glora},
    {".b2.weight", lora_part::glora},
    {".oft_blocks", lora_part::oft},
    {".oft_diag", lora_part::oft},
    {".oft_R.weight", lora_part::oft},
    {".rescale", lora_part::oft},
    {".on_input", lora_part::ia3},
    {".set_weight", lora_part::replacement},
};

// Parts whose names no other file's tensors have.
bool is_telling(lora_part p) {
    return p != lora_part::alpha && p != lora_part::glora && p != lora_part::weight && p != lora_part::bias &&
           !(p == lora_part::oft) && p != lora_part::ia3;
}

bool has_lora_prefix(std::string_view name) {
    constexpr std::array beginnings = {"lora_", "lycoris_", "oft_"};
    return std::ranges::any_of(beginnings, [&](std::string_view b) { return name.starts_with(b); });
}

// ---- Modules

enum class network : char { denoiser = 'd', first_text = '1', second_text = '2', third_text = '3' };

struct beginning {
    std::string_view text; // with "_" for "."
    network of;
};

// The first under which there is such a module counts.
constexpr beginning spelled_beginnings[] = {
    {"lora_unet_", network::denoiser},
    {"lora_transformer_", network::denoiser},
    {"lycoris_", network::denoiser},
    {"oft_unet_", network::denoiser},
    {"unet_", network::denoiser},
    {"transformer_", network::denoiser},
    {"model_diffusion_model_", network::denoiser},
    {"diffusion_model_", network::denoiser},
    {"base_model_model_", network::denoiser},
    {"lora_te_", network::first_text},
    {"lora_te1_", network::first_text},
    {"lora_te2_", network::second_text},
    {"lora_te3_", network::third_text},
    {"text_encoder_2_", network::second_text},
    {"text_encoder_3_", network::third_text},
    {"text_encoder_", network::first_text},
    {"text_encoders_clip_l_transformer_", network::first_text},
    {"text_encoders_clip_g_transformer_", network::second_text},
    {"text_encoders_t5xxl_transformer_", network::third_text},
    {"base_model_model_", network::first_text},
    {"", network::denoiser},
    {"", network::first_text},
};

struct place {
    std::string_view prefix; // of canonical names
    network of;
};
constexpr place places[] = {
    {unet_prefix, network::denoiser},         {clip_prefix, network::first_text},
    {xl_clip_l_prefix, network::first_text},  {xl_clip_g_prefix, network::second_text},
    {sd3_clip_l_prefix, network::first_text}, {sd3_clip_g_prefix, network::second_text},
    {t5_prefix, network::third_text},
};

std::string with_underscores(std::string_view name) {
    std::string text(name);
    std::ranges::replace(text, '.', '_');
    return text;
}

bool replace_end(std::string& text, std::string_view from, std::string_view to) {
    if (!text.ends_with(from)) return false;
    text.replace(text.size() - from.size(), from.size(), to);
    return true;
}

// What else a module is called whose name ends so: old attention processors, and those of text encoders.
constexpr std::pair<std::string_view, std::string_view> other_ends[] = {
    {".to_out.0", ".to_out"}, {".q_proj", ".to_q"},     {".k_proj", ".to_k"},
    {".v_proj", ".to_v"},     {".out_proj", ".to_out"},
};

} // namespace

std::optional<lora_tensor> read_lora_name(std::string_view name) {
    ending const* longest = nullptr;
    for (ending const& e : endings)
        if (name.size() > e.text.size() && name.ends_with(e.text) && (!longest || e.text.size() > longest->text.size()))
            longest = &e;
    if (!longest) return {};
    return lora_tensor{name.substr(0, name.size() - longest->text.size()), longest->part};
}

bool is_lora(checkpoint const& c) {
    return std::ranges::any_of(c.tensors, [](auto const& t) {
        auto const read = read_lora_name(t.first);
        return read && (is_telling(read->part) || has_lora_prefix(t.first) || t.first.ends_with(".diff") ||
                        t.first.ends_with(".diff_b"));
    });
}

lora_modules::lora_modules(checkpoint const& model) {
    int const res_blocks = unet_config::found_in(model).value_or(unet_config()).res_blocks;
    int joint_blocks = 0;
    while (model.find(std::format("{}joint_blocks.{}.context_block.attn.qkv.weight", unet_prefix, joint_blocks)))
        ++joint_blocks;
    auto const put = [&](network of, std::string name, lora_target const& target) {
        auto const put_one = [&](std::string_view spelled) {
            by_name_.emplace(std::string(1, char(of)) + with_underscores(spelled), target);
        };
        put_one(name);
        for (auto const& [from, to] : other_ends)
            if (std::string other = name; replace_end(other, from, to)) put_one(other);
    };
    for (auto const& [name, tensor] : model.tensors) {
        std::string_view const module = std::string_view(name).substr(0, name.rfind('.'));
        for (place const& p : places) {
            if (!module.starts_with(p.prefix) || module.size() == name.size()) continue;
            std::string_view const inside = module.substr(p.prefix.size());
            put(p.of, std::string(inside), {std::string(module)});
            if (p.of == network::denoiser) put(p.of, diffusers_unet_name(inside, res_blocks), {std::string(module)});
        }
    }
    if (!joint_blocks) return;
    for (std::string const& theirs : mmdit_modules(joint_blocks)) {
        mmdit_place const at = mmdit_place_of(theirs, joint_blocks);
        put(network::denoiser, theirs, {std::string(unet_prefix) + at.name, at.third, at.swapped});
    }
}

lora_target const* lora_modules::find(std::string_view spelled) const {
    std::string name = with_underscores(spelled);
    constexpr std::string_view processor = "_processor_to_";
    if (auto const at = name.find(processor); at != name.npos) name.replace(at, processor.size(), "_to_");
    for (beginning const& b : spelled_beginnings) {
        if (!name.starts_with(b.text)) continue;
        auto const found = by_name_.find(std::string(1, char(b.of)) + name.substr(b.text.size()));
        if (found != by_name_.end()) return &found->second;
    }
    return nullptr;
}

} // namespace sfumato
