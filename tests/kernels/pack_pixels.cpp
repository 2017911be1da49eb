#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

TEST(pack_pixels, eight_bits_a_channel) {
    for (size s : odd_sizes) {
        auto const pixels = random_values(4 * s.count(), -0.5f, 1.5f);
        kernel_run r;
        int const count = int(s.count());
        tensor const a = r.input({.w = count, .c = 4}, pixels), b = r.output({.c = count}, dtype::u32);
        r.g.dispatch(kernel::pack_pixels{.pixels = r.g.in(a), .packed = r.g.out(b), .count = uint32_t(count)},
                     {uint32_t(count)});
        r.run();
        auto const got = r.download<uint32_t>(b);
        for (std::size_t i = 0; i < pixels.size(); ++i)
            ASSERT_NEAR(float(got[i / 4] >> 8 * (i % 4) & 255), 255 * std::clamp(pixels[i], 0.0f, 1.0f), 0.501f);
    }
}

} // namespace
} // namespace sfumato
