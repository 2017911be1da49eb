#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

TEST(push, weighted_mean_with_taps_1_3_3_1) {
    for (size s : odd_sizes) {
        auto const fine = random_values(4 * s.count());
        auto fine_weights = random_values(s.count(), -1, 1, 2);
        for (auto& w : fine_weights) w = std::max(w, 0.0f);
        size const h{(s.width + 1) / 2, (s.height + 1) / 2};
        std::vector<float> coarse(4 * h.count()), weights(h.count());
        float const taps[4] = {1, 3, 3, 1};
        for (int y = 0; y < h.height; ++y)
            for (int x = 0; x < h.width; ++x) {
                float sum[4] = {}, total = 0;
                for (int v = 0; v < 4; ++v)
                    for (int u = 0; u < 4; ++u) {
                        int const fx = 2 * x + u - 1, fy = 2 * y + v - 1;
                        if (fx < 0 || fy < 0 || fx >= s.width || fy >= s.height) continue;
                        std::size_t const i = std::size_t(fy) * s.width + fx;
                        float const w = taps[u] * taps[v] * fine_weights[i];
                        for (int k = 0; k < 4; ++k) sum[k] += w * fine[4 * i + k];
                        total += w;
                    }
                std::size_t const o = std::size_t(y) * h.width + x;
                for (int k = 0; k < 4; ++k) coarse[4 * o + k] = total > 0 ? sum[k] / total : 0;
                weights[o] = std::min(1.0f, total / 16);
            }
        kernel_run r;
        tensor const a = r.input(colours(s), fine), b = r.input(plane(s), fine_weights);
        tensor const c = r.output({.h = h.height, .w = h.width, .c = 4}), d = r.output({.h = h.height, .w = h.width});
        r.g.dispatch(kernel::push{.fine = r.g.in(a),
                                  .fine_weights = r.g.in(b),
                                  .coarse = r.g.out(c),
                                  .weights = r.g.out(d),
                                  .fine_width = s.width,
                                  .fine_height = s.height,
                                  .width = h.width,
                                  .height = h.height},
                     {uint32_t(h.width), uint32_t(h.height)});
        r.run();
        expect_near(r.download(c), coarse, 1e-5f, "colour", s);
        expect_near(r.download(d), weights, 1e-5f, "weight", s);
    }
}

} // namespace
} // namespace sfumato
