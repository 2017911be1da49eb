// Every operation of networks on one page. Channels last; shapes are checked here, by assert.
#pragma once

#include "compute/graph.h"

#include <optional>

namespace sfumato {

/// What may follow a product (numbers as in shaders/activation.glsl).
enum class activation : std::uint32_t { none, silu, gelu_tanh, quick_gelu };

/// Weights of a linear layer as the device's kernel wants them.
struct linear_weights {
    tensor panels;
    int n = 0, k = 0;
};

/// w [n, k] as in a checkpoint → packed weights.
linear_weights linear_pack(graph&, tensor const& w);

struct linear_options {
    std::optional<tensor> bias;     // [n]
    std::optional<tensor> residual; // [m, n], added last
    sfumato::activation activation = activation::none;
};

/// x [m, k] → y [m, n] = activation(x·wᵀ + bias) + residual
tensor linear(graph&, tensor const& x, linear_weights const&, linear_options const& = {});

} // namespace sfumato
