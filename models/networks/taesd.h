// TAESD, the tiny autoencoder for previews (madebyollin/taesd): its sizes, and its tensors. models/nets/taesd.h runs
// it.
#pragma once

#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>

namespace sfumato {

/// Tensors: taesd_encoder.N.…, taesd_decoder.N.…, with the layers' numbers in the original files.
struct taesd_config {
    int channels = 64;
    int z_channels = 4;
    bool encoder = true, decoder = true; // which halves the file holds

    /// Nothing where no tensor of it is there. The sizes need not fit all tensors: difference() says.
    static std::optional<taesd_config> found_in(checkpoint const&);
    tensor_shapes tensors() const;
    /// A clause: "its latent has 4 channels".
    std::string in_words() const;

    bool operator==(taesd_config const&) const = default;
};

} // namespace sfumato
