// What a latent will look like, roughly and at once: a linear projection of its channels to red, green and blue.
#pragma once

#include "models/picture.h"
#include "models/pipelines/latent_codec.h"

namespace sfumato {

/// A pixel for each cell; of the 4 channels of Stable Diffusion 1 and 2.
picture latent_preview(latent const&);

} // namespace sfumato
