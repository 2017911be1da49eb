// Models whose networks lie in several files, as one checkpoint.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// As open_checkpoint; TAESD's halves may be two files side by side, whose names differ in "encoder" and "decoder".
checkpoint open_taesd(std::string const& source);

/// As open_checkpoint, but with the VAE in `vae` (a file of its own, or another model) instead of the model's own, if
/// it has one. Throws error: as open_checkpoint, and where `vae` holds no whole VAE.
checkpoint open_with_vae(std::string const& source, std::string const& vae);

} // namespace sfumato
