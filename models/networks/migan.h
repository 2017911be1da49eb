// MI-GAN, a small network that fills holes (A. Sargsyan et al., "MI-GAN: A Simple Baseline for Image Inpainting on
// Mobile Devices", ICCV 2023; Picsart-AI-Research/MI-GAN): its sizes, and its tensors. models/nets/migan.h runs it.
#pragma once

#include "models/files/prefixes.h"
#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// An encoder halves squares of `side` pixels down to 4 × 4; the synthesis doubles them again. Both have a block for
/// each side, named after it: encoder.b512 … encoder.b4, synthesis.b4 … synthesis.b512.
struct migan_config {
    int side = 512;             // of the pictures that it fills, and of no others
    int channel_pixels = 32768; // a block has channel_pixels / side channels …
    int most_channels = 512;    // … but not more

    int channels(int block) const;
    /// side, side / 2 … 4
    std::vector<int> blocks() const;

    /// Nothing where its first tensor is not there. The sizes need not fit all tensors: difference() says.
    static std::optional<migan_config> found_in(checkpoint const&);
    /// Behind migan_prefix: encoder.b512.fromrgb.weight …
    tensor_shapes tensors() const;
    /// A clause: "for pictures of 512 × 512".
    std::string in_words() const;
    /// Why models/nets/migan.h cannot run it, a clause; "": it can.
    sentence unfit() const;

    bool operator==(migan_config const&) const = default;
};

} // namespace sfumato
