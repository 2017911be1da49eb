// What LaMa or MI-GAN sees of a context, and what comes back: scaled down where it is much larger than what the network
// was trained on, and padded to sides that it takes by mirroring.
#pragma once

#include "models/networks/filler.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "request/picture.h"

namespace sfumato {

struct lama_view {
    pixel_size context;
    pixel_size scaled; // the same where nothing is scaled
    pixel_size padded; // to the right and below

    bool is_scaled() const { return scaled != context; }
    double blur() const { return double(context.width) / scaled.width; } // pixels of the context in one that is seen
};

lama_view view_of(pixel_size context, filler_config const&);

/// [h, w, 4]: the colours that are known, within 0 … 1, and 1; elsewhere 0.
picture known_of(picture const& context, mask const& selection);

/// What the network takes, [padded h, padded w, 4]: from what is known, scaled; pixels that are not known in whole are
/// the hole.
std::vector<float> network_input(picture const& scaled, lama_view const&);

/// The network's colours [padded h, padded w, 3], within 0 … 1, as an opaque picture without padding.
picture without_padding(std::vector<float> const& colours, lama_view const&);

} // namespace sfumato
