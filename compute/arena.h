// Where a graph's tensors lie: one arena, in which tensors that never live at the same time share bytes.
#pragma once

#include "compute/graph.h"

namespace sfumato {

struct arena_layout {
    std::vector<std::uint64_t> offsets; // by tensor id, multiples of arena_alignment
    std::uint64_t bytes = 0;            // the arena's size = the run's peak
};

inline constexpr std::uint64_t arena_alignment = 256;

/// Greedy by size: the largest tensors are placed first, each at the lowest offset where no tensor alive at the same
/// time lies (Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020). `shared` false:
/// every tensor has its own place with a gap of arena_alignment behind it.
arena_layout place_tensors(graph const&, bool shared);

} // namespace sfumato
