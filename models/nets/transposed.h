// Transposed convolutions as ordinary ones: each pixel of the input makes stride × stride pixels of the result, as so
// many times the channels, which interleave() of compute/ops.h then spreads.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// torch's ConvTranspose2d along one side. The result's pixel stride·a + r, r < stride, sees `taps` pixels of the
/// input, the first of them a + first.
struct transposed_side {
    int kernel, stride, pad;
    int first, taps;

    transposed_side(int kernel, int stride, int pad);
    int result(int input) const { return (input - 1) * stride + kernel - 2 * pad; }
    /// Which of the kernel's rows meets tap `tap` for r; below 0 or from `kernel` on: none.
    int row(int r, int tap) const { return r + pad - stride * (first + tap); }
};

/// [inputs, outputs, k, k] → [(r_y, r_x, outputs), inputs, taps, taps], 0 where no weight is met. Throws error, naming
/// the tensor and its file: another shape, or a type that is not f32, f16 or bf16.
stored_tensor as_convolution(stored_tensor const&, std::string_view name, std::string const& source, int stride,
                             int pad);

} // namespace sfumato
