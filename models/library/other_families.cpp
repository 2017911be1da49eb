#include "models/library/other_families.h"

#include "models/files/prefixes.h"

namespace sfumato {

namespace {

struct known_name {
    std::string_view part; // of some tensor's name
    std::string_view family;
};

constexpr known_name other_families[] = {
    {"joint_blocks.0.x_block.", "Stable Diffusion 3"},
    {"double_blocks.0.img_attn.", "FLUX"},
    {"transformer_blocks.0.attn.add_q_proj.", "Stable Diffusion 3 or FLUX, in diffusers' names"},
    {"conditioner.embedders.", "Stable Diffusion XL"},
    {"lora_up.weight", "LoRA"},
    {"lora_B.weight", "LoRA"},
    {".lora.up.", "LoRA"},
    {"hada_w1_a", "LoRA (LoHa)"},
    {"lokr_w1", "LoRA (LoKr)"},
    {"control_model.", "ControlNet"},
    {"controlnet_", "ControlNet"},
    {"motion_modules.", "AnimateDiff motion module"},
    {"emb_params", "textual inversion"},
    {"string_to_param", "textual inversion"},
    {"generator.model.1.ffc.", "LaMa"},
    {"model.1.ffc.", "LaMa"},
    {"residual_layer.0.residual_layer.", "upscaler (OmniSR)"},
    {"residual_group.blocks.0.", "upscaler (SwinIR, HAT or DAT)"},
    {"SelfAttention.relative_attention_bias.", "T5 text encoder"},
    {"vision_model.encoder.layers.0.", "CLIP image encoder"},
    {unet_prefix, "diffusion model of an unknown kind"},
};

} // namespace

std::string_view other_family(checkpoint const& c) {
    for (auto const& [part, family] : other_families)
        for (auto const& [name, tensor] : c.tensors)
            if (name.find(part) != name.npos) return family;
    return "";
}

} // namespace sfumato
