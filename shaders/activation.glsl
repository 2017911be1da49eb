// Functions of one value; the numbers are enum class activation in compute/ops.h.
const uint activation_gelu = 4u;
const uint activation_prelu = 10u; // its slope comes per channel

// To 1.5e-7: Abramowitz & Stegun 7.1.26.
float erf(float x) {
    float t = 1.0 / (1.0 + 0.3275911 * abs(x));
    float tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return sign(x) * (1.0 - tail * exp(-x * x));
}

// tanh may be computed from exp(2x), which overflows.
float safe_tanh(float x) { return tanh(clamp(x, -15.0, 15.0)); }

float activate(uint which, float x, float slope) {
    const float tanh_scale = 0.7978845608028654; // √(2/π)
    switch (which) {
    case 1u: return x / (1.0 + exp(-x));                                                  // silu
    case 2u: return 0.5 * x * (1.0 + safe_tanh(tanh_scale * (x + 0.044715 * x * x * x))); // gelu_tanh
    case 3u: return x / (1.0 + exp(-1.702 * x));                                          // quick_gelu
    case activation_gelu: return 0.5 * x * (1.0 + erf(x * 0.7071067811865476));                        // gelu
    case 5u: return max(x, 0.0);                                                          // relu
    case 6u:                                                                              // leaky_relu
    case activation_prelu: return x < 0.0 ? slope * x : x;
    case 7u: return 1.0 / (1.0 + exp(-x));                                                // sigmoid
    case 8u: return safe_tanh(x);                                                         // tanh
    case 9u: return 3.0 * safe_tanh(x / 3.0);                                             // tanh_clamp
    case 11u: return x * slope;                                                           // scaled
    default: return x;
    }
}
