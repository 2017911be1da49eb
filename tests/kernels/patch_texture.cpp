#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

TEST(patch_texture, is_the_mean_difference_to_known_neighbours) {
    for (size s : odd_sizes) {
        auto const pixels = random_values(4 * s.count(), 0, 1, 1);
        auto const states = random_states(s, 20, 2);
        std::vector<float> wanted = pixels;
        auto const brightness = [&](int i) {
            return 0.299f * pixels[4 * i] + 0.587f * pixels[4 * i + 1] + 0.114f * pixels[4 * i + 2];
        };
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                int const i = y * s.width + x;
                float sum = 0;
                int count = 0;
                for (auto [dx, dy] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
                    int const u = x + dx, v = y + dy, j = v * s.width + u;
                    if (u < 0 || v < 0 || u >= s.width || v >= s.height || states[j] != known) continue;
                    sum += std::abs(brightness(j) - brightness(i));
                    ++count;
                }
                bool const counts = states[i] == known && count > 0;
                wanted[4 * i + 3] = counts ? std::min(1.0f, 2 * sum / float(count)) : 0;
            }
        kernel_run r;
        tensor const p = r.input(colours(s), pixels), t = r.input(plane(s), states), made = r.output(colours(s));
        r.g.dispatch(kernel::patch_texture{.pixels = r.g.in(p),
                                           .states = r.g.in(t),
                                           .textured = r.g.out(made),
                                           .width = s.width,
                                           .height = s.height,
                                           .scale = 2},
                     {uint32_t(s.width), uint32_t(s.height)});
        r.run();
        expect_near(r.download(made), wanted, 1e-5f, "texture", s);
    }
}

} // namespace
} // namespace sfumato
