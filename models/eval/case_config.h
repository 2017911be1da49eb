// The sizes of a case's network: as the checkpoint's tensors say, and for what they cannot tell (heads, tokens) as the
// case states it in its metadata "config".
#pragma once

#include "models/eval/case.h"
#include "models/files/checkpoint.h"
#include "models/networks/clip.h"
#include "models/networks/mmdit.h"
#include "models/networks/t5.h"
#include "models/networks/taesd.h"
#include "models/networks/unet.h"
#include "models/networks/vae.h"

namespace sfumato {

/// Each throws error: the checkpoint has no such network, or lacks a part of it; the case's config does not fit it.
unet_config unet_config_of(network_case const&, checkpoint const&);
mmdit_config mmdit_config_of(network_case const&, checkpoint const&);
t5_config t5_config_of(network_case const&, checkpoint const&);
/// `encoder`, `decoder`: which halves the checkpoint holds.
vae_config vae_config_of(network_case const&, checkpoint const&);
taesd_config taesd_config_of(network_case const&, checkpoint const&);
/// Of the encoder that the case calls `which`: in the checkpoint it lies where its family has it.
clip_config clip_config_of(network_case const&, checkpoint const&);

} // namespace sfumato
