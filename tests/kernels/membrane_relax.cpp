#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

void check(size s, area a) {
    auto const states = random_states(s, 60, 1);
    auto const offsets = random_values(4 * a.width() * a.height(), -1, 1, 2);
    auto weights = random_values(a.width() * a.height(), -1, 1, 3);
    auto wanted = offsets;
    for (auto& w : weights) w = w > 0;
    for (int y = a.top; y < a.bottom; ++y)
        for (int x = a.left; x < a.right; ++x) {
            if (states[std::size_t(y) * s.width + x] != hole) continue;
            std::size_t const o = std::size_t(y - a.top) * a.width() + x - a.left;
            float sum[4] = {}, count = 0;
            for (auto const& [u, v] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
                if (!a.holds(x + u, y + v)) continue;
                std::size_t const n = o + std::ptrdiff_t(v) * std::ptrdiff_t(a.width()) + u;
                if (weights[n] == 0 && states[std::size_t(y + v) * s.width + x + u] != hole) continue;
                for (int k = 0; k < 4; ++k) sum[k] += offsets[4 * n + k];
                ++count;
            }
            for (int k = 0; k < 4 && count > 0; ++k) wanted[4 * o + k] = sum[k] / count;
        }
    kernel_run r;
    shape const part{.h = int(a.height()), .w = int(a.width())}, colours{.h = part.h, .w = part.w, .c = 4};
    tensor const of = r.input(colours, offsets), we = r.input(part, weights), st = r.input({.h = s.height, .w = s.width}, states);
    tensor const relaxed = r.output(colours);
    r.g.dispatch(kernel::membrane_relax{.offsets = r.g.in(of), .weights = r.g.in(we), .states = r.g.in(st), .relaxed = r.g.out(relaxed),
                                        .width = s.width, .left = a.left, .top = a.top, .right = a.right, .bottom = a.bottom},
                 {uint32_t(a.width()), uint32_t(a.height())});
    r.run();
    expect_near(r.download(relaxed), wanted, 1e-5f, "offset", s);
}

TEST(membrane_relax, mean_of_neighbours_in_the_hole) {
    for (size s : odd_sizes) {
        check(s, whole(s));
        check(s, inner(s));
    }
}

} // namespace
} // namespace sfumato
