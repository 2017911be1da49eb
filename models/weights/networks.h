// The sizes of a network: what its code needs to know beside the weights. models/weights/family.h reads them from a
// checkpoint, models/weights/layout.h lists the tensors that follow from them.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace sfumato {

/// The UNet of Stable Diffusion 1, 2 and XL, as CompVis and Stability name its settings. Levels: finest first.
struct unet_config {
    /// 4: latent; 9: latent ‖ mask ‖ masked picture's latent (inpainting); 8: latent ‖ picture's latent (pix2pix)
    int in_channels = 4;
    int out_channels = 4;
    int model_channels = 320;
    std::vector<int> channel_mult = {1, 2, 4, 4};
    int res_blocks = 2;                                // a level on the way down; one more on the way up
    std::vector<int> transformer_depth = {1, 1, 1, 0}; // a level; 0: it has no attention
    int middle_depth = 1;
    int context_dim = 768;
    int heads = 8;           // everywhere, and a head has channels / heads; 0: head_dim says
    int head_dim = 0;        // everywhere, and there are channels / head_dim heads; 0: heads says
    bool use_linear = false; // proj_in and proj_out are linear [c, c]; else 1×1 convolutions [c, c, 1, 1]
    int adm_in_channels = 0; // width of label_emb's input; 0: there is none

    int channels(std::size_t level) const { return model_channels * channel_mult[level]; }
    int time_embed_dim() const { return 4 * model_channels; }
    int heads_of(int channels) const { return heads ? heads : channels / head_dim; }

    bool operator==(unet_config const&) const = default;
};

/// The VAE (AutoencoderKL). Levels: finest first, as in the file (`down.0`, `up.0`).
struct vae_config {
    int channels = 128;
    std::vector<int> channel_mult = {1, 2, 4, 4};
    int res_blocks = 2; // a level of the encoder; one more in the decoder
    int z_channels = 4;
    bool quant_conv = true;              // quant_conv and post_quant_conv are there
    double scale = 0.18215, shift = 0;   // the UNet's latent = (z − shift)·scale
    bool encoder = true, decoder = true; // which halves the file holds

    bool operator==(vae_config const&) const = default;
};

/// A CLIP text encoder, in transformers' names.
struct text_encoder_config {
    std::string prefix = "cond_stage_model.transformer."; // before text_model.
    int hidden = 768;
    int heads = 12;
    int layers = 12;        // in the file
    int layers_used = 12;   // the UNet gets what layer layers_used − 1 puts out …
    bool final_norm = true; // … after text_model.final_layer_norm
    int feed_forward = 3072;
    bool quick_gelu = true; // else the exact gelu
    int vocabulary = 49408;
    int context = 77;
    int bos = 49406, eos = 49407, pad = 49407;
    int projection = 0; // rows of text_projection.weight; 0: there is none

    bool operator==(text_encoder_config const&) const = default;
};

/// The tiny autoencoder for previews (taesd_encoder.*, taesd_decoder.*).
struct taesd_config {
    int channels = 64;
    int z_channels = 4;
    bool encoder = true, decoder = true; // which halves the file holds

    bool operator==(taesd_config const&) const = default;
};

/// The ESRGAN family (BasicSR's RRDBNet), in the naming of conv_first, body.N.rdb1.conv1 …
struct rrdbnet_config {
    int features = 64;
    int blocks = 23;
    int growth = 32;
    int unshuffle = 1; // the picture is pixel-unshuffled by it first
    int upsamples = 2; // ×2 each: conv_up1, conv_up2 …

    bool operator==(rrdbnet_config const&) const = default;
};

/// SRVGGNetCompact: body.N alternates convolutions and PReLU, pixel shuffle at the end.
struct srvgg_config {
    int scale = 4;
    int features = 64;
    int convolutions = 32; // between the first and the last

    bool operator==(srvgg_config const&) const = default;
};

/// waifu2x's upconv_7: convolutions without padding, a transposed one at the end. ×2
struct upconv7_config {
    std::vector<int> features = {16, 32, 64, 128, 128, 256}; // of the convolutions before the last layer

    bool operator==(upconv7_config const&) const = default;
};

/// waifu2x's CUnet: two U-Nets in a row, with squeeze and excitation, without padding. Real-CUGAN ×2 is the same.
struct cunet_config {
    int scale = 2; // 1: it only removes noise

    bool operator==(cunet_config const&) const = default;
};

/// Real-CUGAN (UpCunet3x, UpCunet4x). ×4: the network makes ×2 of 64 channels, then conv_final and a pixel shuffle,
/// and the picture, enlarged by repeating its pixels, is added. ×2: cunet_config
struct cugan_config {
    int scale = 4; // 3, 4

    bool operator==(cugan_config const&) const = default;
};

using upscaler_config = std::variant<rrdbnet_config, srvgg_config, upconv7_config, cunet_config, cugan_config>;

} // namespace sfumato
