#include "models/library/named_families.h"

#include "models/files/prefixes.h"

#include <algorithm>

namespace sfumato {

namespace {

// Upscalers and restorers: those of spandrel's list. What contains another comes before it.
constexpr std::array families = {
    named_family{"FLUX", {"double_blocks.0.img_attn."}},
    named_family{"FLUX", {"single_transformer_blocks.0."}},
    named_family{"Qwen-Image", {"transformer_blocks.0.img_mod."}},
    named_family{"ControlNet", {"control_model."}},
    named_family{"ControlNet", {"controlnet_"}},
    named_family{"IP-Adapter", {"ip_adapter.", "image_proj."}},
    named_family{"AnimateDiff motion module", {"motion_modules."}},
    named_family{"textual inversion", {"emb_params"}},
    named_family{"textual inversion", {"string_to_param"}},

    named_family{"upscaler (MM-RealSR)", {"de_net.fc_degree.0.0.weight", "am_list.0.fc.0.weight"}},
    named_family{"upscaler (ESRGAN+)", {"RDB1.conv1x1.weight"}},
    named_family{"upscaler (ESRGAN+)", {"rdb1.conv1x1.weight"}},
    named_family{"upscaler (HAT)", {"overlap_attn.qkv.weight", "conv_block.cab.0.weight"}},
    named_family{"upscaler (ATD)", {"residual_group.td", "attn_atd."}},
    named_family{"upscaler (CRAFT)", {"residual_group.hf_blocks.0.attn.temperature"}},
    named_family{"upscaler (AdaCode)", {"multiscale_encoder.in_conv.weight", "weight_predictor."}},
    named_family{"upscaler (FeMaSR)", {"multiscale_encoder.in_conv.weight", "quantize_group.0.embedding.weight"}},
    named_family{"upscaler (SRFormer)", {"attn.aligned_relative_position_index"}},
    named_family{"upscaler (Swin2SR)", {"residual_group.blocks.0.attn.", "patch_embed.proj.weight"}},
    named_family{"upscaler (SwinIR)",
                 {"residual_group.blocks.0.attn.relative_position_", "residual_group.blocks.0.mlp.fc1.bias"}},
    named_family{"upscaler (DRCT)", {"swin1.attn.relative_position_bias_table", "adjust1.weight"}},
    named_family{"upscaler (DAT)", {"before_RG.1.weight", "blocks.0.ffn.sg.norm.weight"}},
    named_family{"upscaler (RGT)", {"before_RG.1.weight", "blocks.0.gamma"}},
    named_family{"upscaler (GRL)", {"norm_start.weight", "norm_end.weight"}},
    named_family{"upscaler (Omni-SR)", {"residual_layer.0.residual_layer.0.layer."}},
    named_family{"upscaler (SPAN)", {"block_1.c1_r.sk.weight", "conv_cat.weight"}},
    named_family{"upscaler (PLKSR)", {"feats.1.channe_mixer.0.weight", "feats.1.refine.weight"}},
    named_family{"upscaler (RealPLKSR)", {"feats.1.channel_mixer.0.weight", "feats.1.refine.weight"}},
    named_family{"upscaler (DITN)", {"UFONE.0.ITLs.0.attn.temperature"}},
    named_family{"upscaler (SAFMN)", {"feats.0.safm.mfr.0.weight", "to_feat.weight"}},
    named_family{"upscaler (SAFMN BCIE)", {"feats.0.layers.0.safm.mfr.0.weight"}},
    named_family{"upscaler (DCTLSA)", {"B1.body.0.transformer_body.0.blocks.0.attn."}},
    named_family{"upscaler (SeemoRe)", {"local_block.block.moe_layer.experts.0."}},
    named_family{"upscaler (RTMoSR)", {"body.0.fc1.alpha", "to_img.0.alpha"}},
    named_family{"upscaler (MoSR)", {"gblocks.1.fc1.weight", "gblocks.1.conv.weight"}},
    named_family{"upscaler (MoESR)", {"in_to_dim.weight", "conv.dwconv_hw.weight"}},
    named_family{"upscaler (RCAN)", {"body.0.body.0.body.3.conv_du.0.weight"}},
    named_family{"upscaler (FDAT)", {"groups.0.blocks.0.inter.cg.1.weight", "upsampler.MetaUpsample"}},
    named_family{"upscaler (LHAN)", {"groups.0.blocks.0.n1.weight"}},
    named_family{"upscaler (DIS)", {"head_act.weight", "fusion.weight"}},
    named_family{"upscaler (AuraSR)", {"mid_attn.layers.0.0.to_out.weight", "block1.proj.weights"}},
    named_family{"upscaler (IPT)", {"head.0.1.body.0.weight", "body.encoder.layers.0.self_attn.in_proj_weight"}},
    named_family{"upscaler (Swift-SRGAN)", {"initial.cnn.depthwise.weight", "final_conv.pointwise.weight"}},
    named_family{"upscaler (of the Swin family)", {"residual_group.blocks.0."}},

    named_family{"restorer (SCUNet)", {"m_head.0.weight", "m_tail.0.weight"}},
    named_family{"restorer (FBCNN)", {"qf_pred.0.res.0.weight", "m_head.weight"}},
    named_family{"restorer (DRUNet)", {"m_down1.0.res.0.weight", "m_head.weight"}},
    named_family{"restorer (NAFNet)", {"middle_blks.0.beta", "intro.weight"}},
    named_family{"restorer (M3SNet)", {"middle_blks.0.temperature", "intro.weight"}},
    named_family{"restorer (KBNet)", {"encoders.0.0.attgamma", "intro.weight"}},
    named_family{"restorer (KBNet)", {"latent.0.ffn.qkv.weight", "refinement.0.attn.dwconv.0.weight"}},
    named_family{"restorer (FFTformer)", {"encoder_level1.0.ffn.fft"}},
    named_family{"restorer (Restormer)",
                 {"encoder_level1.0.attn.temperature", "encoder_level1.0.attn.qkv_dwconv.weight"}},
    named_family{"restorer (Uformer)", {"encoderlayer_0.blocks.0.norm1.weight", "input_proj.proj.0.weight"}},
    named_family{"restorer (MPRNet)", {"stage1_encoder.encoder_level1.0.CA.conv_du.0.weight"}},
    named_family{"restorer (MIRNet v2)", {"dau_top.gcnet.conv_mask.weight"}},
    named_family{"restorer (MixDehazeNet)", {"layer1.blocks.0.conv3_19.weight"}},
    named_family{"restorer (RetinexFormer)",
                 {"denoiser.encoder_layers.0.0.blocks.0.0.rescale", "estimator.conv1.weight"}},
    named_family{"restorer (HVI-CIDNet)", {"HVE_block1.down.0.weight", "trans.density_k"}},
    named_family{"restorer (DnCNN)", {"model.2.weight", "model.3.running_mean"}},
    named_family{"restorer (DnCNN)", {"model.2.bias", "model.14.bias"}},
    named_family{"face restorer (GFPGAN)", {"stylegan_decoder.style_mlp.1.weight"}},
    named_family{"face restorer (CodeFormer)", {"idx_pred_layer.1.weight", "quantize.embedding.weight"}},
    named_family{"face restorer (RestoreFormer)", {"encoder.down.0.block.0.norm1.weight", "quantize.embedding.weight"}},
    named_family{"inpainting (MAT)", {"synthesis.first_stage.conv_first.conv.resample_filter"}},
    named_family{"colouring (DDColor)", {"encoder.arch.downsample_layers.0.0.weight", "refine_net.0.0.weight_orig"}},
    named_family{"discriminator of a training, which no picture is made with", {"conv1.weight_orig", "conv9.weight"}},
};

constexpr std::array parts = {
    named_family{"CLIP image encoder", {"vision_model.encoder.layers.0."}},
    named_family{"diffusion model of an unknown kind", {unet_prefix}},
};

std::string_view first_in(std::span<named_family const> table, checkpoint const& c) {
    auto const has = [&](std::string_view part) {
        return part.empty() ||
               std::ranges::any_of(c.tensors, [&](auto const& t) { return t.first.find(part) != t.first.npos; });
    };
    auto const found =
        std::ranges::find_if(table, [&](named_family const& f) { return std::ranges::all_of(f.parts, has); });
    return found == table.end() ? "" : found->name;
}

} // namespace

std::span<named_family const> named_families() { return families; }

std::string_view named_family_of(checkpoint const& c) { return first_in(families, c); }

std::string_view named_part_of(checkpoint const& c) { return first_in(parts, c); }

} // namespace sfumato
