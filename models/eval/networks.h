// Networks run on cases (models/eval/case.h), one function for each kind. Sizes come from the case's config, else from
// the checkpoint. Each throws error: the case lacks an input or it has another shape, the checkpoint is of another
// model.
#pragma once

#include "models/eval/case_run.h"

namespace sfumato {

using checkpoint_pointer = std::shared_ptr<checkpoint const>;

/// in.sample [n, c, h, w], in.timestep [n], in.context [n, tokens, d]; SDXL also in.pooled [n, p], in.time_ids [n, 6].
/// → out.sample
case_tensors eval_unet(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// in.sample [n, c, h, w], in.timestep [n], in.context [n, tokens, d], in.pooled [n, p] → out.sample
case_tensors eval_mmdit(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// in.ids [n, tokens] → out.context
case_tensors eval_t5(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// in.image [n, 3, h, w] → out.moments, out.mean, out.logvar_clamped; in.latent [n, z, h, w] → out.decoded. Either or
/// both.
case_tensors eval_vae(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// in.image [n, 3, h, w] → out.latent; in.latent [n, z, h, w] → out.decoded. Either or both.
case_tensors eval_taesd(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// in.image [n, 3, h, w] in 0 … 1, in.mask [n, 1, h, w], 1 in the hole → out.raw; out.image: that in the hole alone.
case_tensors eval_lama(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// The same, of the one size that the model takes; out.raw alone, about 0 … 1.
case_tensors eval_migan(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// in.image [n, 3, h, w] in 0 … 1 → out.image, not clamped.
case_tensors eval_upscaler(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// in.ids [n, tokens] → out.context, out.penultimate (before the last layer that the family uses), and what the family
/// has beside them: out.pooled; out.last_normed, out.pooled_projected. `which` of the case chooses among encoders.
case_tensors eval_clip(device&, checkpoint_pointer, network_case const&, eval_options const&);

/// Any of them by name: "clip", "t5", "unet", "mmdit", "vae", "taesd", "lama", "migan", "upscaler" (and each upscaler
/// by its key: "rrdbnet", "srvgg").
case_tensors eval_network(std::string_view name, device&, checkpoint_pointer, network_case const&, eval_options const&);
bool is_network(std::string_view name);

} // namespace sfumato
