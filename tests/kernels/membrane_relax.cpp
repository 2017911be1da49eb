#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

struct case_of {
    std::vector<uint32_t> states;
    std::vector<float> across, down, offsets;
};

// What one dispatch makes of the offsets.
std::vector<float> reference(size s, window const& a, case_of const& c, int parity, float relaxation) {
    int const columns = a.width();
    std::vector<float> after = c.offsets;
    auto const state = [&](int x, int y) { return c.states[std::size_t(a.top + y) * s.width + a.left + x]; };
    for (int y = 0; y < a.height(); ++y)
        for (int x = 0; x < columns; ++x) {
            if ((x + y) % 2 != parity || state(x, y) != hole) continue;
            std::size_t const o = std::size_t(y) * columns + x;
            for (int k = 0; k < 4; ++k) {
                float sum = 0;
                int count = 0;
                for (auto const& [dx, dy] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
                    int const u = x + dx, v = y + dy;
                    if (u < 0 || v < 0 || u >= columns || v >= a.height() || state(u, v) == blank) continue;
                    std::size_t const n = std::size_t(v) * columns + u;
                    auto const& steps = dx ? c.across : c.down;
                    float const step = dx + dy < 0 ? steps[4 * n + k] : -steps[4 * o + k];
                    sum += (state(u, v) == hole ? c.offsets[4 * n + k] : 0) + step;
                    ++count;
                }
                if (count) after[4 * o + k] += relaxation * (sum / float(count) - c.offsets[4 * o + k]);
            }
        }
    return after;
}

void check(size s, window const& a, int parity) {
    size const part{a.width(), a.height()};
    case_of const c{random_states(s, 20, 1), random_values(4 * part.count(), -1, 1, 2),
                    random_values(4 * part.count(), -1, 1, 3), random_values(4 * part.count(), -1, 1, 4)};
    kernel_run r;
    tensor const st = r.input(plane(s), c.states), ac = r.input(colours(part), c.across),
                 dn = r.input(colours(part), c.down), of = r.input(colours(part), c.offsets);
    r.g.dispatch(kernel::membrane_relax{.states = r.g.in(st),
                                        .across = r.g.in(ac),
                                        .down = r.g.in(dn),
                                        .offsets = r.g.inout(of),
                                        .width = s.width,
                                        .left = a.left,
                                        .top = a.top,
                                        .right = a.right,
                                        .bottom = a.bottom,
                                        .parity = parity,
                                        .relaxation = 1.7f},
                 {uint32_t(a.width()), uint32_t(a.height())});
    r.g.output(of);
    r.run();
    expect_near(r.download(of), reference(s, a, c, parity, 1.7f), 1e-5f, "offset", s);
}

TEST(membrane_relax, every_second_pixel_follows_its_neighbours) {
    for (size s : odd_sizes)
        for (int parity : {0, 1}) {
            check(s, whole(s), parity);
            check(s, inner(s), parity);
        }
}

} // namespace
} // namespace sfumato
