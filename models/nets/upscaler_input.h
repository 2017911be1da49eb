// What every upscaling network gets.
#pragma once

#include "models/nets/scope.h"

namespace sfumato {

/// Means of channels over a picture that is given in tiles, [n, 1, 1, c] f32, in the order of their use.
struct whole_means {
    static constexpr int channels[] = {64, 128, 128, 64};

    std::vector<tensor> given; // the first of them, all or none; for the others those of the input are taken
    std::vector<tensor> used;  // what was taken; the network fills it in
};

struct upscaler_input {
    tensor image;       // [n, h, w, 3] in 0 … 1
    dtype storage;      // of what is between the image and the result
    whole_means& means; // for networks that take in means of the whole picture
};

} // namespace sfumato
