// The Fourier transform of real pictures. Two channels are the real and the imaginary part of one complex transform, so
// that channels-last pictures are what VkFFT takes, as they are.
#include "compute/ops.h"

#include "compute/fft.h"
#include "kernel_binaries.h"

#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

using kernel::uint;

enum class step : uint { pack, split, join, unpack }; // shaders/fft2d.comp

struct fft_size {
    int n, h, w, c; // of the real picture
    int pairs() const { return (c + 1) / 2; }
    shape real() const { return {n, h, w, c}; }
    shape complex() const { return {n, h, w, 2 * pairs()}; }
    shape spectrum() const { return {n, h, w / 2 + 1, 2 * c}; }
};

tensor take(graph& g, step which, fft_size const& s, tensor const& from, shape const& to) {
    assert(s.w < 65536 && s.n * s.h < 65536); // workgroups in a direction
    tensor const result = g.temporary(to);
    bool const half = which == step::split;
    g.dispatch(kernel::fft2d{.from = g.in(from),
                             .to = g.out(result),
                             .h = uint(s.h),
                             .w = uint(s.w),
                             .channels = uint(s.c),
                             .scale = 1 / std::sqrt(float(s.h) * float(s.w))},
               {uint(s.pairs()), uint(half ? s.w / 2 + 1 : s.w), uint(s.n * s.h)}, 16, {uint(which), uint(from.type)});
    return result;
}

void transform(graph& g, fft_size const& s, tensor const& numbers, bool inverse) {
    if (s.h * s.w == 1) return;
    fft_shape const shape{uint(s.n), uint(s.h), uint(s.w), uint(s.pairs()), inverse};
    double const count = double(numbers.shape.count()), work = count * 5 * std::log2(double(s.h) * s.w);
    if (std::uint64_t const bytes = fft_scratch_bytes(shape)) {
        int const times = int(bytes / numbers.bytes());
        tensor const scratch = g.temporary({numbers.shape.n * times, s.h, s.w, numbers.shape.c});
        g.record("fft", {g.inout(numbers), g.inout(scratch)}, work, fft(shape));
    } else
        g.record("fft", {g.inout(numbers)}, work, fft(shape));
}

} // namespace

tensor fft2d(graph& g, tensor const& x) {
    fft_size const s{x.shape.n, x.shape.h, x.shape.w, x.shape.c};
    tensor const numbers = take(g, step::pack, s, x, s.complex());
    transform(g, s, numbers, false);
    return take(g, step::split, s, numbers, s.spectrum());
}

tensor inverse_fft2d(graph& g, tensor const& spectrum, int w) {
    fft_size const s{spectrum.shape.n, spectrum.shape.h, w, spectrum.shape.c / 2};
    assert(spectrum.shape == s.spectrum());
    tensor const numbers = take(g, step::join, s, spectrum, s.complex());
    transform(g, s, numbers, true);
    return s.c % 2 ? take(g, step::unpack, s, numbers, s.real()) : numbers;
}

} // namespace sfumato
