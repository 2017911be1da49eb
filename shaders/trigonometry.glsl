// Sine and logarithm to fp32's own precision: Vulkan allows 2^-11 of error in sin() and cos(), and some devices use it.

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

// Natural logarithm of a normal number: 2 atanh((m − 1)/(m + 1)) of a mantissa m in √½ … √2, its remainder below 1e-10.
float precise_log(float x) {
    uint bits = floatBitsToUint(x) - 0x3f3504f3u; // √½
    float exponent = float(int(bits) >> 23);
    float m = uintBitsToFloat((bits & 0x7fffffu) + 0x3f3504f3u);
    float r = (m - 1.0) / (m + 1.0), s = r * r;
    float tail = r * s * (2.0 / 3.0 + s * (2.0 / 5.0 + s * (2.0 / 7.0 + s * (2.0 / 9.0 + s * (2.0 / 11.0)))));
    return exponent * 0.693147180559945 + (2.0 * r + tail);
}
