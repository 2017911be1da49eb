// For the tests of norms and reductions: what they are, in double precision, and the targets to record for.
#pragma once

#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {

/// The device's own target and, where it is a software device, that of a GPU with as many lanes: kernels divide rows
/// differently for it.
inline std::vector<target> norm_targets() {
    target const own = test_device().target();
    target gpu = own;
    gpu.software = false;
    return own.software ? std::vector{own, gpu} : std::vector{own};
}

struct reference_moments {
    double mean = 0, variance = 0;
};

/// Of the numbers x[i], i from `indices`.
template <class Indices> reference_moments moments_of(std::vector<float> const& x, Indices const& indices) {
    reference_moments m;
    for (auto i : indices) m.mean += x[i];
    m.mean /= double(indices.size());
    for (auto i : indices) m.variance += (x[i] - m.mean) * (x[i] - m.mean);
    m.variance /= double(indices.size());
    return m;
}

/// Factors and offsets of group norm, [n, 2, c].
inline std::vector<double> group_norm_reference(shape const& s, std::vector<float> const& x, int groups,
                                                std::vector<float> const& weight, std::vector<float> const& bias,
                                                double eps) {
    std::size_t const pixels = std::size_t(s.h) * s.w, c = s.c, width = c / groups;
    std::vector<double> affine(2 * s.n * c);
    for (std::size_t n = 0; n < std::size_t(s.n); ++n)
        for (std::size_t first = 0; first < c; first += width) {
            std::vector<std::size_t> indices;
            for (std::size_t i = 0; i < pixels * width; ++i)
                indices.push_back((n * pixels + i / width) * c + first + i % width);
            auto const m = moments_of(x, indices);
            for (std::size_t k = first; k < first + width; ++k) {
                double const factor = weight[k] / std::sqrt(m.variance + eps);
                affine[2 * n * c + k] = factor;
                affine[(2 * n + 1) * c + k] = bias[k] - m.mean * factor;
            }
        }
    return affine;
}

inline std::vector<float> apply_affine_reference(shape const& s, std::vector<float> const& x,
                                                 std::vector<double> const& affine, bool silu) {
    std::size_t const image = s.count() / s.n, c = s.c;
    std::vector<float> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        double const* const factors = &affine[i / image * 2 * c];
        double const v = x[i] * factors[i % c] + factors[c + i % c];
        y[i] = float(silu ? v / (1 + std::exp(-v)) : v);
    }
    return y;
}

} // namespace sfumato
