// Fourier transforms as nodes of a graph, made by VkFFT.
#pragma once

#include "compute/graph.h"

namespace sfumato {

/// Complex numbers [n, h, w, pairs], fp32, real and imaginary part beside each other; transformed over (h, w) in place,
/// without scaling.
struct fft_shape {
    std::uint32_t n = 1, h = 1, w = 1, pairs = 1;
    bool inverse = false;

    std::uint64_t bytes() const { return std::uint64_t(n) * h * w * pairs * 8; }
    auto operator<=>(fft_shape const&) const = default;
};

/// Bytes that VkFFT may need besides, where a side does not fit in shared memory; mostly 0.
std::uint64_t fft_scratch_bytes(fft_shape const&);

/// For graph::record, whose uses are the numbers and, if there is any, the scratch. A device's plans compile each shape
/// once.
recordable fft(fft_shape const&);

} // namespace sfumato
