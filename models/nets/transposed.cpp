#include "models/nets/transposed.h"

#include "compute/error.h"

#include <algorithm>
#include <cstring>

namespace sfumato {

namespace {

int floor_div(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// T: of an element's size.
template <class T> void spread(stored_tensor const& from, transposed_side const& side, std::span<std::byte> to) {
    std::vector<std::byte> scratch;
    auto const bytes = from.read(scratch);
    std::int64_t const inputs = from.shape[0], outputs = from.shape[1];
    std::size_t next = 0;
    for (int ry = 0; ry < side.stride; ++ry)
        for (int rx = 0; rx < side.stride; ++rx)
            for (std::int64_t o = 0; o < outputs; ++o)
                for (std::int64_t i = 0; i < inputs; ++i)
                    for (int ty = 0; ty < side.taps; ++ty)
                        for (int tx = 0; tx < side.taps; ++tx, next += sizeof(T)) {
                            int const y = side.row(ry, ty), x = side.row(rx, tx), k = side.kernel;
                            T value{};
                            if (y >= 0 && y < k && x >= 0 && x < k)
                                std::memcpy(&value, &bytes[(((i * outputs + o) * k + y) * k + x) * sizeof(T)],
                                            sizeof(T));
                            std::memcpy(&to[next], &value, sizeof(T));
                        }
}

} // namespace

transposed_side::transposed_side(int kernel, int stride, int pad) : kernel(kernel), stride(stride), pad(pad) {
    int last = floor_div(stride - 1 + pad, stride); // row 0, r = stride − 1
    first = -floor_div(kernel - 1 - pad, stride);   // row kernel − 1, r = 0, rounded up
    taps = last - first + 1;
}

stored_tensor as_convolution(stored_tensor const& w, std::string_view name, std::string const& source, int stride,
                             int pad) {
    if (w.type != stored_type::f32 && w.type != stored_type::f16 && w.type != stored_type::bf16)
        fail("'{}' has {} as {}, which transposed convolutions cannot be computed with: convert the file to f16.",
             source, show_name(name), name_of(w.type));
    bool const fits = w.shape.size() == 4 && w.shape[2] == w.shape[3] && w.shape[2] >= stride && w.shape[2] <= 16 &&
                      std::ranges::all_of(w.shape, [](std::int64_t e) { return e > 0 && e < (1 << 16); });
    if (!fits)
        fail("'{}' is damaged or of a kind that is not supported, use another file: {} is {} where a transposed "
             "convolution's [inputs, outputs, k, k] was expected.",
             source, show_name(name), show_shape(w));
    transposed_side const side(int(w.shape[2]), stride, pad);
    stored_tensor made{.type = w.type,
                       .shape = {w.shape[1] * stride * stride, w.shape[0], side.taps, side.taps},
                       .mapped = {},
                       .make = {}};
    made.make = [w, side](std::span<std::byte> to) {
        w.type == stored_type::f32 ? spread<std::uint32_t>(w, side, to) : spread<std::uint16_t>(w, side, to);
    };
    return made;
}

} // namespace sfumato
