// TAESD, the tiny autoencoder for previews (madebyollin/taesd). Layers are numbered as in its files.
#pragma once

#include "models/nets/scope.h"
#include "models/networks/taesd.h"

namespace sfumato {

/// w: the checkpoint's root. image [n, 8h, 8w, 3] in −1 … 1 → the UNet's latent [n, h, w, z] f32: no scale or shift.
tensor taesd_encode(scope const& w, taesd_config const&, tensor const& image);

/// The UNet's latent [n, h, w, z] → image [n, 8h, 8w, 3] f32 in −1 … 1.
tensor taesd_decode(scope const& w, taesd_config const&, tensor const& latent);

} // namespace sfumato
