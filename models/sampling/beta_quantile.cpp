#include "models/sampling/beta_quantile.h"

#include <cmath>
#include <initializer_list>

namespace sfumato {

namespace {

// The continued fraction of I_x(a, b), by Lentz's method; converges fast for x < (a + 1)/(a + b + 2).
double continued_fraction(double x, double a, double b) {
    double const tiny = 1e-300;
    double numerator = 1, denominator = 1 / (1 - (a + b) * x / (a + 1)), value = denominator;
    for (int m = 1; m < 300; ++m) {
        double const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double factor = 1;
        for (double term : {even, odd}) {
            numerator = 1 + term / numerator;
            denominator = 1 + term * denominator;
            denominator = 1 / (std::abs(denominator) < tiny ? tiny : denominator);
            factor = numerator * denominator;
            value *= factor;
        }
        if (std::abs(factor - 1) < 1e-16) break;
    }
    return value;
}

// I_x(a, b), the distribution function.
double incomplete_beta(double x, double a, double b) {
    if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
    double const power =
        std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
    return x < (a + 1) / (a + b + 2) ? power * continued_fraction(x, a, b) / a
                                     : 1 - power * continued_fraction(1 - x, b, a) / b;
}

} // namespace

double beta_quantile(double p, double a, double b) {
    if (p <= 0 || p >= 1) return p <= 0 ? 0 : 1;
    if (a == b && p == 0.5) return 0.5; // exactly: schedules round what they make of it
    double low = 0, high = 1;
    for (int i = 0; i < 80; ++i) {
        double const middle = (low + high) / 2;
        (incomplete_beta(middle, a, b) < p ? low : high) = middle;
    }
    return (low + high) / 2;
}

} // namespace sfumato
