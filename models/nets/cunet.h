// waifu2x's CUnet (nagadomi; in nunif's names) and what was made of it for animation, Real-CUGAN (bilibili; UpCunet2x,
// 3x, 4x): two U-Nets in a row, with squeeze and excitation. No convolution is padded: the second corrects the middle
// of what the first made.
//
// Easy to get wrong: what is skipped is cut at all sides; squeeze and excitation takes its means over the whole input,
// so that tiles of a picture need the means of the picture in one piece.
#pragma once

#include "models/nets/upscaler_input.h"
#include "models/networks/cunet.h"

namespace sfumato {

/// w: the checkpoint's root. image [n, h, w, 3] → [n, (h − 2·margin)·scale, (w − 2·margin)·scale, 3] f32. To what ×4
/// finds, the image is added, enlarged by nearest neighbour.
tensor forward(scope const& w, cunet_config const&, upscaler_input const&);

} // namespace sfumato
