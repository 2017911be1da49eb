// Operations of networks that convolve each channel alone (MI-GAN). Types and layout as in compute/ops.h.
#pragma once

#include "compute/graph.h"

#include <optional>

namespace sfumato {

/// What StyleGAN 2 does behind its layers, f(x) = √2·leaky_relu(x, 0.2) within ±256, and what is added before and
/// behind it.
struct gained_leaky_relu {
    std::optional<tensor> noise{};    // f32 [1, h, w, 1] of the result: added to all channels before f
    std::optional<tensor> residual{}; // y's shape: added behind f
};
/// y = f(x + noise) + residual
tensor activate(graph&, tensor const& x, gained_leaky_relu const&);

struct depthwise_options {
    int stride = 1;
    int pad_before = 1, pad_after = 1; // rows and columns of zeros
    bool spread = false;               // x is taken twice as large, with zeros right of and below each pixel
    std::optional<tensor> bias{};      // f32 [c]
    std::optional<gained_leaky_relu> activation{};
};
/// Each channel with a k × k kernel of its own; w f32 {.w = k², .c = c}: the taps row by row.
tensor depthwise_conv2d(graph&, tensor const& x, tensor const& w, depthwise_options const& = {});

} // namespace sfumato
