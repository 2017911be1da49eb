// A whole run of a diffusion model on a case in which every random number is given: the pipelines of diffusers.
#pragma once

#include "models/eval/case.h"
#include "models/eval/case_run.h"

#include <string>

namespace sfumato {

class device;

/// The case's metadata say mode (txt2img, img2img, inpaint), steps, guidance_scale, strength, scheduler and
/// scheduler_config; in.ids.clip and in.ids_negative.clip [1, 77], of Stable Diffusion 3 also .clip_g [1, 77] and .t5
/// [1, tokens]; in.noise or, for the other modes, in.image [1, 3, h, w] (0 … 1), in.mask [1, 1, h, w] and
/// in.random.I.sample and .prepare_latents in order of use. → out.latents.I after step I, out.decoded, out.image, and
/// tap.timesteps, tap.context, tap.context_negative. Inpainting masks what an ordinary model makes, and is the input of
/// one with 9 channels. Throws error: what the case lacks, or what is not supported.
case_tensors eval_pipeline(device&, std::string const& weights, network_case const&, dtype);

} // namespace sfumato
