#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

TEST(fill_halve, a_hole_wins_over_blank_over_known) {
    for (size s : odd_sizes) {
        auto const fine = random_states(s, 40, 1);
        auto const fine_depths = random_values(s.count(), 0, 9);
        size const h{(s.width + 1) / 2, (s.height + 1) / 2};
        std::vector<uint32_t> states(h.count(), known);
        std::vector<float> depths(h.count());
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                std::size_t const i = std::size_t(y) * s.width + x, o = std::size_t(y / 2) * h.width + x / 2;
                if (fine[i] == hole || (fine[i] == blank && states[o] == known)) states[o] = fine[i];
                depths[o] = std::max(depths[o], fine_depths[i] / 2);
            }
        kernel_run r;
        tensor const a = r.input(plane(s), fine), b = r.input(plane(s), fine_depths);
        tensor const c = r.output({.h = h.height, .w = h.width}, dtype::u32),
                     d = r.output({.h = h.height, .w = h.width});
        r.g.dispatch(kernel::fill_halve{.fine_states = r.g.in(a),
                                        .fine_depths = r.g.in(b),
                                        .states = r.g.out(c),
                                        .depths = r.g.out(d),
                                        .fine_width = s.width,
                                        .fine_height = s.height,
                                        .width = h.width,
                                        .height = h.height},
                     {uint32_t(h.width), uint32_t(h.height)});
        r.run();
        EXPECT_EQ(r.download<uint32_t>(c), states);
        EXPECT_EQ(r.download(d), depths);
    }
}

} // namespace
} // namespace sfumato
