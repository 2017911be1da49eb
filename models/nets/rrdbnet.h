// The ESRGAN family: BasicSR's RRDBNet, for ×1, ×2, ×4, ×8.
//
// In a dense block each convolution reads all that was found before it. So the block's input x and what its first four
// convolutions find lie side by side in one buffer, [ x | conv1 | conv2 | conv3 | conv4 ], and nothing is concatenated.
// Three such buffers take turns in a residual block (RRDB) of three dense blocks:
//   A ──rdb1──▶ x of B ──rdb2──▶ x of C ──rdb3──▶ · 0.2 + x of A ──▶ x of B, which is the next residual block's A
//
// Easy to get wrong: what a block adds is a fifth of its last convolution, and again a fifth of three blocks; leaky
// slopes are 0.2; pixel-unshuffle orders channels as torch does.
#pragma once

#include "models/nets/upscaler_input.h"
#include "models/networks/rrdbnet.h"

namespace sfumato {

/// w: the checkpoint's root. image [n, h, w, 3] f32, h and w multiples of `unshuffle` → [n, h·s, w·s, 3] f32 with s =
/// 2^upsamples / unshuffle.
tensor forward(scope const& w, rrdbnet_config const&, upscaler_input const&);

} // namespace sfumato
