// Sine and cosine to fp32's own precision: Vulkan allows 2^-11 of error in sin() and cos(), and some devices use it.

// sin(πx): a Taylor series on −1/2 … 1/2, its remainder below 7e-10. Exact in the period up to |x| = 2^22.
float sin_pi(float x) {
    float n = roundEven(x), r = (x - n) * 3.14159265358979, s = r * r;
    float y = r + r * s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s * (1.0 / 362880.0 + s *
              (-1.0 / 39916800.0 + s * (1.0 / 6227020800.0))))));
    return (int(n) & 1) != 0 ? -y : y;
}

// Of an angle in 2^-32 of a turn, taken as −1/2 … 1/2 turn.
float sin_of_phase(uint phase) { return sin_pi(float(int(phase)) * exp2(-31.0)); }
float cos_of_phase(uint phase) { return sin_pi(0.5 - abs(float(int(phase)) * exp2(-31.0))); }
