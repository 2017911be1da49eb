// The variational autoencoder between pictures and latents: CompVis' autoencoder (AutoencoderKL) as Stable Diffusion
// uses it.
//
// Easy to get wrong: GroupNorm eps is 1e-6 everywhere; the encoder's downsampling pads right and bottom alone; level 0
// is the finest, the decoder counts down to it; scale and shift of the latent are the caller's.
#pragma once

#include "models/nets/scope.h"
#include "models/networks/vae.h"

namespace sfumato {

/// w: at vae_prefix. image [n, 8h, 8w, 3] in −1 … 1 → moments [n, h, w, 2·z] f32: mean, log of the variance (not
/// clamped).
tensor vae_encode(scope const& w, vae_config const&, tensor const& image);

/// latent [n, h, w, z] → image [n, 8h, 8w, 3] f32, about −1 … 1.
tensor vae_decode(scope const& w, vae_config const&, tensor const& latent);

} // namespace sfumato
