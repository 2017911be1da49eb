// The ESRGAN family: BasicSR's RRDBNet, for ×1, ×2, ×4, ×8.
//
// Easy to get wrong: what a block adds is a fifth of its last convolution, and again a fifth of three blocks; leaky
// slopes are 0.2; pixel-unshuffle orders channels as torch does.
#pragma once

#include "models/nets/scope.h"
#include "models/weights/networks.h"

namespace sfumato {

/// w: the checkpoint's root. image [n, h, w, 3] f32, h and w multiples of `unshuffle` → [n, h·s, w·s, 3] f32 with s =
/// 2^upsamples / unshuffle. Between the two all is stored as `storage`.
tensor rrdbnet(scope const& w, rrdbnet_config const&, tensor const& image, dtype storage);

} // namespace sfumato
