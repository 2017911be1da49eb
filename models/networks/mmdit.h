// The MMDiT of Stable Diffusion 3 and 3.5 (Esser et al. 2024), in the names of Stability's mmdit.py and mmditx.py: its
// sizes, and its tensors. models/nets/mmdit.h runs it.
#pragma once

#include "models/files/prefixes.h"
#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>

namespace sfumato {

struct mmdit_config {
    int depth = 24;       // joint blocks; the width and the number of heads follow from it
    int in_channels = 16; // of the latent, whose patches of 2 × 2 cells are tokens
    int table_side = 192; // the table of positions is so many patches wide and high
    int context_channels = 4096;
    int pooled_channels = 2048;
    bool qk_norm = false; // queries and keys of each head are normed: 3.5
    int dual_blocks = 0;  // so many blocks from the first on have a second attention, of the picture alone: 3.5 medium

    static constexpr int head_channels = 64, patch = 2, waves = 256; // of the timestep
    int width() const { return head_channels * depth; }
    int heads() const { return depth; }

    /// Nothing where no tensor of it is there. The sizes need not fit all tensors: difference() says.
    static std::optional<mmdit_config> found_in(checkpoint const&);
    tensor_shapes tensors() const;
    /// A clause: "24 joint blocks of width 1536, a text of width 4096, positions of 192 × 192 patches".
    std::string in_words() const;
    /// Why models/nets/mmdit.h cannot run it, a clause; "": it can.
    sentence unfit() const;

    bool operator==(mmdit_config const&) const = default;
};

} // namespace sfumato
