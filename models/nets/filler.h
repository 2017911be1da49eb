// The networks that fill holes without words, as one: LaMa (models/nets/lama.h) and MI-GAN (models/nets/migan.h).
#pragma once

#include "compute/graph.h"
#include "models/nets/weight_store.h"
#include "models/networks/filler.h"

#include <memory>

namespace sfumato {

/// The weights as it is computed.
std::shared_ptr<checkpoint const> folded_filler(std::shared_ptr<checkpoint const> const& model, filler_config const&);

/// `weights`: of those. input [1, h, w, 4]: the picture in 0 … 1, 0 in the hole, and the hole as 1 → picture
/// [1, h, w, 3] f32, of a MI-GAN beyond 0 … 1 as well.
tensor filler(graph&, weight_store& weights, filler_config const&, tensor const& input);

} // namespace sfumato
