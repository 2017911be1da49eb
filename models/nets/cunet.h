// waifu2x's CUnet (nagadomi; in nunif's names) and what was made of it for animation, Real-CUGAN (bilibili; UpCunet2x,
// 3x, 4x): two U-Nets in a row, with squeeze and excitation. No convolution is padded: the second corrects the middle
// of what the first made.
//
// Easy to get wrong: what is skipped is cut at all sides; squeeze and excitation takes its means over the whole input,
// so that tiles of a picture need the means of the picture in one piece.
#pragma once

#include "models/nets/scope.h"
#include "models/weights/networks.h"

namespace sfumato {

/// Means of channels over a picture that is given in tiles, [n, 1, 1, c] f32, in the order of their use.
struct whole_means {
    static constexpr int channels[] = {64, 128, 128, 64};

    std::vector<tensor> given; // the first of them, all or none; for the others those of the input are taken
    std::vector<tensor> used;  // what was taken; the network fills it in
};

/// w: the checkpoint's root. image [n, h, w, 3] → [n, (h − 2·margin)·scale, (w − 2·margin)·scale, 3] f32.
tensor cunet(scope const& w, cunet_config const&, tensor const& image, dtype storage, whole_means&);
/// ×4 is added to the image, enlarged by nearest neighbour.
tensor cugan(scope const& w, cugan_config const&, tensor const& image, dtype storage, whole_means&);

} // namespace sfumato
