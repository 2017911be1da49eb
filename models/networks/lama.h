// The generator of LaMa, which fills holes (R. Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier
// Convolutions", WACV 2022; advimman/lama): its sizes, and its tensors. models/nets/lama.h runs it.
#pragma once

#include "models/files/prefixes.h"
#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>

namespace sfumato {

/// Layers are numbered as in the original code: 1 the first convolution, 2 … the halvings, then the residual blocks, a
/// layer that joins local and global channels, three layers for each doubling (the transposed convolution, its norm, an
/// activation), padding, and the last convolution.
struct lama_config {
    int channels = 64; // behind the first convolution; each halving doubles them
    int halvings = 3;
    int blocks = 18;
    int global_channels = 384; // of those of the blocks: what goes through Fourier transforms; the rest is local

    int block_channels() const { return channels << halvings; }
    int local_channels() const { return block_channels() - global_channels; }
    int spectral_channels() const { return global_channels / 2; } // that are transformed
    int multiple() const { return 1 << halvings; }                // the picture's sides must be multiples of it
    int first_block() const { return 2 + halvings; }
    int first_doubling() const { return first_block() + blocks + 1; }
    int last_layer() const { return first_doubling() + 3 * halvings + 1; }

    /// Nothing where its first tensor is not there. The sizes need not fit all tensors: difference() says.
    static std::optional<lama_config> found_in(checkpoint const&);
    /// Behind lama_prefix: 1.ffc.convl2l.weight, 1.bn_l.running_mean …
    tensor_shapes tensors() const;
    /// A clause: "18 blocks of 512 channels, 384 of them through Fourier transforms".
    std::string in_words() const;
    /// Why models/nets/lama.h cannot run it, a clause; "": it can.
    sentence unfit() const;

    bool operator==(lama_config const&) const = default;
};

} // namespace sfumato
