// Where a graph's tensors lie: an arena of one or several blocks, each a buffer of its own, in which tensors that never
// live at the same time share bytes.
#pragma once

#include "compute/graph.h"

namespace sfumato {

struct arena_layout {
    struct place {
        std::uint32_t block = 0;
        std::uint64_t offset = 0; // in it, a multiple of arena_alignment
    };
    std::vector<place> places;         // by tensor id
    std::vector<std::uint64_t> blocks; // their bytes; none where nothing needs a place

    /// Of all blocks: the run's peak.
    std::uint64_t bytes() const;
};

inline constexpr std::uint64_t arena_alignment = 256;

/// Greedy by size: the largest tensors are placed first, each at the lowest offset where no tensor alive at the same
/// time lies (Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020), in the block that
/// grows least by it; a new block begins where all others would become larger than `most` bytes. A tensor that is
/// larger by itself gets a block that is too large. `shared` false: every tensor has its own place with a gap of
/// arena_alignment behind it.
arena_layout place_tensors(graph const&, bool shared, std::uint64_t most = ~0ull);

} // namespace sfumato
