// The tensors of a network: every name and shape that its sizes imply, in the naming of single-file checkpoints,
// without the prefix; and how a checkpoint's own differ from them.
#pragma once

#include "compute/sentence.h"
#include "models/files/checkpoint.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// Name → shape, outermost extent first.
using tensor_shapes = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

/// What the checkpoint lacks of a network whose names begin with `prefix`, or has in another shape, or in a type that
/// is no number to compute with; "" where all is there. A clause: `tensor "x" is missing`.
sentence difference(checkpoint const&, std::string_view prefix, tensor_shapes const& expected);

/// The first tensor under `prefix` that is not expected: a part of the network that would be left out. "": there is
/// none.
sentence surplus(checkpoint const&, std::string_view prefix, tensor_shapes const& expected);

} // namespace sfumato
