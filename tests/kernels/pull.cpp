#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

TEST(pull, fills_from_the_coarser_level) {
    for (size s : odd_sizes) {
        size const h{(s.width + 1) / 2, (s.height + 1) / 2};
        auto const coarse = random_values(4 * h.count()), fine = random_values(4 * s.count(), 0, 1, 2);
        auto weights = random_values(s.count(), -0.5f, 1.5f, 3);
        for (auto& w : weights) w = std::clamp(w, 0.0f, 1.0f);
        std::vector<float> wanted = fine;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                std::size_t const i = std::size_t(y) * s.width + x;
                float const cx = std::clamp(0.5f * x - 0.25f, 0.0f, float(h.width - 1)),
                            cy = std::clamp(0.5f * y - 0.25f, 0.0f, float(h.height - 1));
                int const x0 = int(cx), y0 = int(cy), x1 = std::min(x0 + 1, h.width - 1),
                          y1 = std::min(y0 + 1, h.height - 1);
                for (int k = 0; k < 4 && weights[i] < 1; ++k) {
                    auto const at = [&](int u, int v) { return coarse[4 * (std::size_t(v) * h.width + u) + k]; };
                    float const above = std::lerp(at(x0, y0), at(x1, y0), cx - x0),
                                below = std::lerp(at(x0, y1), at(x1, y1), cx - x0);
                    wanted[4 * i + k] = std::lerp(std::lerp(above, below, cy - y0), fine[4 * i + k], weights[i]);
                }
            }
        kernel_run r;
        tensor const a = r.input({.h = h.height, .w = h.width, .c = 4}, coarse), b = r.input(colours(s), fine);
        tensor const w = r.input(plane(s), weights), f = r.output(colours(s));
        r.g.dispatch(kernel::pull{.coarse = r.g.in(a),
                                  .fine = r.g.in(b),
                                  .weights = r.g.in(w),
                                  .filled = r.g.out(f),
                                  .width = s.width,
                                  .height = s.height,
                                  .coarse_width = h.width,
                                  .coarse_height = h.height},
                     {uint32_t(s.width), uint32_t(s.height)});
        r.run();
        auto const got = r.download(f);
        expect_near(got, wanted, 1e-5f, "colour", s);
        for (std::size_t i = 0; i < s.count(); ++i)
            if (weights[i] == 1) {
                ASSERT_TRUE(std::equal(&got[4 * i], &got[4 * i] + 4, &fine[4 * i]))
                    << "what is known stays bit for bit";
            }
    }
}

} // namespace
} // namespace sfumato
