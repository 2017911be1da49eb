// The encoder of T5 v1.1 (Raffel et al. 2020), in transformers' names (T5EncoderModel).
//
// Easy to get wrong: products of queries and keys are not divided by √d; the first layer's bias on relative positions
// is every layer's; norms take no mean and have no bias, eps is 1e-6; there is no mask, so that padding takes part; of
// the two products of the feed-forward part the first goes through gelu, its tanh form; sums beyond what 16 bits hold
// are ordinary here, so all activations are f32.
#pragma once

#include "models/nets/scope.h"
#include "models/networks/t5.h"

namespace sfumato {

/// w: at t5_prefix. ids [n, 1, tokens, 1] u32 → [n, 1, tokens, width] f32.
tensor encode_t5(scope const& w, t5_config const&, tensor const& ids);

} // namespace sfumato
