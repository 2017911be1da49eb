// Matrix products in fp64, for the tests of gemm.
#pragma once

#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {

inline double activate_reference(activation which, double x, double slope = 0) {
    switch (which) {
    case activation::silu: return x / (1 + std::exp(-x));
    case activation::gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
    case activation::gelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.)));
    case activation::relu: return std::max(x, 0.);
    case activation::leaky_relu:
    case activation::prelu: return x < 0 ? slope * x : x;
    case activation::sigmoid: return 1 / (1 + std::exp(-x));
    case activation::tanh: return std::tanh(x);
    case activation::tanh_clamp: return 3 * std::tanh(x / 3);
    case activation::scaled: return x * slope;
    default: return x;
    }
}

/// What the device's matrix path makes of a product's operands stored as `type` before it multiplies: fp16 for
/// cooperative matrices.
inline dtype operand_type(dtype type) {
    auto const path = test_device().target().matrix;
    return path == matrix_path::khr || path == matrix_path::nv2 ? dtype::f16 : type;
}

/// Of a result stored as `result` whose operands are given as rounded() to operand_type(): sums over k lose a little
/// with length.
inline double product_limit(dtype result, int k) {
    return std::max(nmse_limit(result), 1e-11 * std::max(1., k / 4096.));
}

} // namespace sfumato
