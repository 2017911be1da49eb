#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

void check(size s, window const& a) {
    auto const states = random_states(s, 60, 1);
    auto const pixels = random_values(4 * s.count(), 0, 1, 2), votes = random_values(4 * s.count(), 0, 1, 3);
    std::vector<float> offsets(4 * a.width() * a.height()), weights(a.width() * a.height());
    for (int y = a.top; y < a.bottom; ++y)
        for (int x = a.left; x < a.right; ++x) {
            bool near = false;
            for (int v = -1; v <= 1; ++v)
                for (int u = -1; u <= 1; ++u)
                    near |= holds(whole(s), x + u, y + v) && states[std::size_t(y + v) * s.width + x + u] == hole;
            std::size_t const i = std::size_t(y) * s.width + x, o = std::size_t(y - a.top) * a.width() + x - a.left;
            weights[o] = near && states[i] == known;
            for (int k = 0; k < 4; ++k) offsets[4 * o + k] = weights[o] * (pixels[4 * i + k] - votes[4 * i + k]);
        }
    kernel_run r;
    tensor const px = r.input(colours(s), pixels), vo = r.input(colours(s), votes), st = r.input(plane(s), states);
    size const part{a.width(), a.height()};
    tensor const of = r.output(colours(part)), we = r.output(plane(part));
    r.g.dispatch(kernel::membrane_rim{.pixels = r.g.in(px),
                                      .votes = r.g.in(vo),
                                      .states = r.g.in(st),
                                      .offsets = r.g.out(of),
                                      .weights = r.g.out(we),
                                      .width = s.width,
                                      .height = s.height,
                                      .left = a.left,
                                      .top = a.top,
                                      .right = a.right,
                                      .bottom = a.bottom},
                 {uint32_t(a.width()), uint32_t(a.height())});
    r.run();
    EXPECT_EQ(r.download(we), weights);
    expect_near(r.download(of), offsets, 1e-6f, "offset", s);
}

TEST(membrane_rim, differences_beside_the_hole) {
    for (size s : odd_sizes) {
        check(s, whole(s));
        check(s, inner(s));
    }
}

} // namespace
} // namespace sfumato
