// Colours as they are seen: L for lightness, a for green to red, b for blue to yellow (B. Ottosson 2020). Equal steps
// look alike, so what is added to one colour can be added to another.
#pragma once

#include <array>
#include <cmath>

namespace sfumato {

using lab_colour = std::array<double, 3>;

namespace oklab {

// Of sRGB's transfer, with the sign kept: colours beyond 0 … 1 go there and come back.
inline double to_linear(double v) {
    double const a = std::abs(v), linear = a <= 0.04045 ? a / 12.92 : std::pow((a + 0.055) / 1.055, 2.4);
    return std::copysign(linear, v);
}
inline double from_linear(double v) {
    double const a = std::abs(v), encoded = a <= 0.0031308 ? a * 12.92 : 1.055 * std::pow(a, 1 / 2.4) - 0.055;
    return std::copysign(encoded, v);
}
inline double cube(double v) { return v * v * v; }

} // namespace oklab

/// Of red, green and blue as sRGB has them.
inline lab_colour lab_of(float const* rgb) {
    double const r = oklab::to_linear(rgb[0]), g = oklab::to_linear(rgb[1]), b = oklab::to_linear(rgb[2]);
    double const l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b),
                 m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b),
                 s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}
inline void put_rgb(lab_colour const& c, float* rgb) {
    double const l = oklab::cube(c[0] + 0.3963377774 * c[1] + 0.2158037573 * c[2]),
                 m = oklab::cube(c[0] - 0.1055613458 * c[1] - 0.0638541728 * c[2]),
                 s = oklab::cube(c[0] - 0.0894841775 * c[1] - 1.2914855480 * c[2]);
    rgb[0] = float(oklab::from_linear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s));
    rgb[1] = float(oklab::from_linear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s));
    rgb[2] = float(oklab::from_linear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

} // namespace sfumato
