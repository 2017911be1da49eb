#include "tests/kernels/fill_cases.h"

#include <limits>

namespace sfumato {
namespace {

using namespace fill_test;

TEST(fill_prepare, premultiplies_what_is_known) {
    for (size s : odd_sizes) {
        auto picture = random_values(4 * s.count(), -0.5f, 2);
        auto const selection = random_values(s.count(), -1, 1, 2);
        std::vector<float> pixels(4 * s.count()), weights(s.count());
        std::vector<uint32_t> states(s.count());
        for (std::size_t i = 0; i < s.count(); ++i) {
            float* const c = &picture[4 * i];
            c[3] = std::clamp(c[3], 0.0f, 1.0f);
            if (i % 11 == 3) c[i % 4] = std::nanf("");
            if (i % 13 == 5) c[i % 4] = -std::numeric_limits<float>::infinity();
            bool const finite = std::all_of(c, c + 4, [](float v) { return std::isfinite(v); });
            states[i] = selection[i] > 0 ? hole : finite && c[3] > 0 ? known : blank;
            weights[i] = states[i] == known;
            for (int k = 0; k < 4 && states[i] == known; ++k) pixels[4 * i + k] = k < 3 ? c[k] * c[3] : c[3];
        }
        kernel_run r;
        int const count = int(s.count());
        tensor const a = r.input({.w = count, .c = 4}, picture), b = r.input({.c = count}, selection);
        tensor const p = r.output({.w = count, .c = 4}), t = r.output({.c = count}, dtype::u32),
                     w = r.output({.c = count});
        r.g.dispatch(kernel::fill_prepare{.picture = r.g.in(a),
                                          .selection = r.g.in(b),
                                          .pixels = r.g.out(p),
                                          .states = r.g.out(t),
                                          .weights = r.g.out(w),
                                          .count = uint32_t(count)},
                     {uint32_t(count)});
        r.run();
        EXPECT_EQ(r.download<uint32_t>(t), states);
        EXPECT_EQ(r.download(w), weights);
        expect_near(r.download(p), pixels, 1e-6f, "pixels", s);
    }
}

} // namespace
} // namespace sfumato
