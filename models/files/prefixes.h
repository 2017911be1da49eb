// Where a checkpoint has its networks: what stands before the names of their tensors, as in the single files of the
// models' makers. Whatever layout a model came in, its tensors are called so (models/names/canonical.h).
#pragma once

#include <string_view>

namespace sfumato {

inline constexpr std::string_view unet_prefix =
    "model.diffusion_model."; // UNet, MMDiT (CompVis' and Stability's names)
inline constexpr std::string_view vae_prefix = "first_stage_model.";

// Text encoders, in transformers' names (text_model.encoder.layers.N.self_attn.q_proj …).
inline constexpr std::string_view clip_prefix = "cond_stage_model.transformer."; // of Stable Diffusion 1 and 2
inline constexpr std::string_view xl_clip_l_prefix = "conditioner.embedders.0.transformer.";
inline constexpr std::string_view xl_clip_g_prefix = "conditioner.embedders.1.transformer.";
inline constexpr std::string_view sd3_clip_l_prefix = "text_encoders.clip_l.transformer.";
inline constexpr std::string_view sd3_clip_g_prefix = "text_encoders.clip_g.transformer.";
inline constexpr std::string_view t5_prefix = "text_encoders.t5xxl.transformer.";

// LaMa's generator, its layers numbered as in the original code.
inline constexpr std::string_view lama_prefix = "model.";

// MI-GAN, in its original code's names.
inline constexpr std::string_view migan_prefix = "migan.";

// TAESD, its layers numbered as in its original files.
inline constexpr std::string_view taesd_encoder_prefix = "taesd_encoder.", taesd_decoder_prefix = "taesd_decoder.";

} // namespace sfumato
