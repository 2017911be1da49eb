// The tensors of a network: every name and shape that its sizes imply, in the naming of single-file checkpoints,
// without the prefix. Sources: the original code of CompVis (ldm), Stability (sgm), OpenAI's CLIP in transformers' and
// open_clip's forms, TAESD, BasicSR, nunif (waifu2x), Real-CUGAN.
#pragma once

#include "models/weights/networks.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sfumato {

/// Name → shape, outermost extent first.
using tensor_shapes = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

tensor_shapes unet_tensors(unet_config const&);
tensor_shapes vae_tensors(vae_config const&);
/// text_model.…, and text_projection.weight where there is one.
tensor_shapes text_encoder_tensors(text_encoder_config const&);
/// The same encoder as open_clip names it: transformer.resblocks.N.attn.in_proj_weight …
tensor_shapes open_clip_tensors(text_encoder_config const&);
/// taesd_encoder.N.…, taesd_decoder.N.…: the layers' numbers in the original files, with these prefixes.
tensor_shapes taesd_tensors(taesd_config const&);

/// conv_first, body.N.rdb1.conv1 …, conv_body, conv_up1 …, conv_hr, conv_last
tensor_shapes rrdbnet_tensors(rrdbnet_config const&);
/// body.N: convolutions, and between them PReLU's slopes
tensor_shapes srvgg_tensors(srvgg_config const&);
/// net.0, net.2 …; the last is the transposed convolution: [in, out, 4, 4]
tensor_shapes upconv7_tensors(upconv7_config const&);
/// unet1.conv1.conv.0 …, unet1.conv2.seblock.conv1 …, unet2.…; transposed convolutions are [in, out, k, k]:
/// unet1.conv2_up, unet1.conv_bottom (of ×2 and more), unet2.conv3_up, unet2.conv4_up
tensor_shapes cunet_tensors(cunet_config const&);
/// The same, and conv_final (×4).
tensor_shapes cugan_tensors(cugan_config const&);
tensor_shapes tensors_of(upscaler_config const&);

} // namespace sfumato
