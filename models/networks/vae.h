// The VAE between pictures and latents (CompVis' AutoencoderKL): its sizes, and its tensors. models/nets/vae.h runs it.
#pragma once

#include "models/files/prefixes.h"
#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// Levels: finest first, as in the file (`down.0`, `up.0`).
struct vae_config {
    int channels = 128;
    std::vector<int> channel_mult = {1, 2, 4, 4};
    int res_blocks = 2; // a level of the encoder; one more in the decoder
    int z_channels = 4;
    bool quant_conv = true;              // quant_conv and post_quant_conv are there
    double scale = 0.18215, shift = 0;   // the UNet's latent = (z − shift)·scale
    bool encoder = true, decoder = true; // which halves the file holds

    /// Nothing where no tensor of it is there. Scale and shift, which shapes cannot tell, are left as they are above.
    /// The sizes need not fit all tensors: difference() says.
    static std::optional<vae_config> found_in(checkpoint const&);
    tensor_shapes tensors() const;
    /// A clause: "its latent has 4 channels".
    std::string in_words() const;
    /// Why models/nets/vae.h cannot run it, a clause; "": it can.
    sentence unfit() const;

    bool operator==(vae_config const&) const = default;
};

} // namespace sfumato
