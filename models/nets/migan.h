// MI-GAN (models/networks/migan.h): an encoder of separable convolutions (3 × 3 within each channel, then 1 × 1 between
// channels), and a synthesis of the same that sums up a picture from all sides, each twice as large as the one before.
//
// Easy to get wrong: the mask comes before the colours, and is 1 where they are known; the encoder hands over what its
// first convolution of a block gives; a block is halved before its 1 × 1 convolution and doubled behind it; what is
// added of the encoder is added behind the activation, and noise before it; the blur of a doubled picture has its zeros
// right of and below each pixel.
#pragma once

#include "models/nets/scope.h"
#include "models/networks/migan.h"

namespace sfumato {

/// w: at migan_prefix, of what models/nets/migan_folded.h made. input [n, side, side, 4]: as lama()'s, the picture in
/// 0 … 1, 0 in the hole, and the hole as 1 → picture [n, side, side, 3] f32, about 0 … 1.
tensor migan(scope const& w, migan_config const& c, tensor const& input);

} // namespace sfumato
