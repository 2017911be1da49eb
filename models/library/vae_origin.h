// Whose VAE it is, as far as its file says. The VAEs of Stable Diffusion 1, 2 and XL have the same tensors of the same
// shapes, but not the same latents: with another family's, pictures are wrong and nothing else tells.
#pragma once

#include "models/library/stated_facts.h"
#include "models/networks/mmdit.h"
#include "models/networks/unet.h"
#include "models/networks/vae.h"

namespace sfumato {

/// Of sfumato-draw: its architecture is that of Stable Diffusion 1, its latents and sizes are not. So its file's
/// modelspec.architecture says.
inline constexpr std::string_view own_family = "sfumato-draw";

struct vae_origin {
    std::string family; // "Stable Diffusion 1 or 2", "Stable Diffusion XL" …; "": its file does not say
    std::string reason; // a clause: what says so
};

/// From the whole model that it stands in (`family` as model_description has it; "": it is alone), what its file's
/// metadata say, its scale, its latent's channels.
vae_origin origin_of_vae(std::string_view family, vae_config const&, stated_facts const&);

/// The family whose VAEs a model with this denoiser takes, in the same words.
std::string family_of_vae_for(unet_config const&);
std::string family_of_vae_for(mmdit_config const&);

} // namespace sfumato
