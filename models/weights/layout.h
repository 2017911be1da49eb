// The tensors of a network: every name and shape that its sizes imply, in the naming of single-file checkpoints,
// without the prefix. Sources: the original code of CompVis (ldm), Stability (sgm), OpenAI's CLIP in transformers' and
// open_clip's forms, BasicSR, TAESD.
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
tensor_shapes rrdbnet_tensors(rrdbnet_config const&);
tensor_shapes srvgg_tensors(srvgg_config const&);

} // namespace sfumato
