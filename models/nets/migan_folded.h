// A MI-GAN's weights as it is computed.
#pragma once

#include "models/networks/migan.h"

#include <memory>

namespace sfumato {

/// The tensors of `model`; those of kernels that see one channel alone as lists of f32, [k · k · channels], the taps
/// row by row; and for each noise_const with its noise_strength the product of both, noise [side · side].
/// They are computed when they are read. Throws error, naming tensor and file: not f32, f16 or bf16.
std::shared_ptr<checkpoint const> folded_migan(std::shared_ptr<checkpoint const> const& model, migan_config const&);

} // namespace sfumato
