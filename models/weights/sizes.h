// The sizes of networks, read from the names and shapes of a checkpoint's tensors.
#pragma once

#include "models/weights/checkpoint.h"
#include "models/weights/layout.h"

#include <optional>

namespace sfumato {

/// Nothing where no tensor of such a network is there. What shapes cannot tell (heads, activation, tokens, scale) is
/// left as the struct has it. The sizes need not fit all tensors: difference() says.
std::optional<unet_config> unet_sizes(checkpoint const&);
std::optional<vae_config> vae_sizes(checkpoint const&);
/// `prefix`: of one encoder among several; with a dot at its end.
std::optional<text_encoder_config> text_encoder_sizes(checkpoint const&,
                                                      std::string_view prefix = "cond_stage_model.transformer.");
std::optional<taesd_config> taesd_sizes(checkpoint const&);

/// What the checkpoint lacks of a network whose names begin with `prefix`, or has in another shape, or in a type that
/// is no number to compute with; "" where all is there. A clause: `tensor "x" is missing`.
std::string difference(checkpoint const&, std::string_view prefix, tensor_shapes const& expected);

/// The first tensor under `prefix` that is not expected: a part of the network that would be left out. "": there is
/// none.
std::string surplus(checkpoint const&, std::string_view prefix, tensor_shapes const& expected);

} // namespace sfumato
