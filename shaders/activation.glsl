// What may follow a product; the numbers are enum class activation in compute/ops.h.
float activate(uint which, float x) {
    const float tanh_scale = 0.7978845608028654; // √(2/π)
    switch (which) {
    case 1u: return x / (1.0 + exp(-x));                                             // silu
    case 2u: return 0.5 * x * (1.0 + tanh(tanh_scale * (x + 0.044715 * x * x * x))); // gelu, tanh form
    case 3u: return x / (1.0 + exp(-1.702 * x));                                     // quick_gelu
    default: return x;
    }
}
