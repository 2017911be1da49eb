// One set of names for the tensors of a model, whatever its file calls them (models/files/prefixes.h; each network's
// tensors()).
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// Renames what a file or folder brought:
///   * of what training wrapped (models/files/wrapper.h) only the model's tensors stay, without the wrapper's name;
///   * networks without a prefix (a VAE, UNet, text encoder or TAESD alone) get theirs;
///   * diffusers' names of UNet, MMDiT and VAE become the original ones; the MMDiT's queries, keys and values are one
///     tensor, and its last scales and shifts change places;
///   * open_clip's names become transformers': the fused q, k, v are three tensors (rows of the same bytes), its
///     text_projection is transposed as it is read;
///   * the VAE's attention has 1×1 convolutions, [c, c, 1, 1];
///   * upscalers: models/names/upscaler_names.h; LaMa: models/names/lama_names.h.
/// What no network needs is left out: position_ids, betas and the like, logit_scale, the averages of training
/// (model_ema.*). Anything else keeps its name. Throws error where two tensors would get the same name.
void use_canonical_names(checkpoint&);

} // namespace sfumato
