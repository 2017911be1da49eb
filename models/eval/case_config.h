// The sizes of a network as a case's file states them (metadata "config"), and whether a checkpoint has such a network.
#pragma once

#include "models/eval/case.h"
#include "models/weights/checkpoint.h"
#include "models/weights/networks.h"

namespace sfumato {

/// Each throws error: the case has no config, or a value in it is missing, of another type or out of bounds; or the
/// checkpoint lacks a tensor of this network or has it in another shape.
unet_config unet_config_of(network_case const&, checkpoint const&);
/// `encoder`, `decoder`: which halves the checkpoint holds.
vae_config vae_config_of(network_case const&, checkpoint const&);
taesd_config taesd_config_of(network_case const&, checkpoint const&);
/// Of the encoder that the case calls `which`: in the checkpoint it lies where its family has it.
text_encoder_config text_encoder_config_of(network_case const&, checkpoint const&);

} // namespace sfumato
