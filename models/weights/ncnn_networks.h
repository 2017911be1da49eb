// The graphs that ncnn's converters make of the networks that there are here.
#pragma once

#include "models/weights/ncnn_graph.h"
#include "models/weights/networks.h"

#include <optional>

namespace sfumato {

/// The network that a graph can only be if it is one at all: from which operations there are, how many, of which sizes.
std::optional<upscaler_config> likely_network(ncnn_graph const&);

/// What a network computes; the names of nodes with weights are those of its tensors (models/weights/layout.h), without
/// .weight and .bias. Two things the programs around ncnn do by themselves, and so the graphs do not have: they keep
/// results within 0 … 1, and to Real-CUGAN ×4's they add the enlarged picture.
ncnn_graph graph_of(upscaler_config const&);

} // namespace sfumato
