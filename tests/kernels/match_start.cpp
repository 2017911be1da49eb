#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

void check(size s, window const& a, int cell, int spacing) {
    constexpr uint32_t seed = 77;
    constexpr float remoteness = 0.5f;
    patches const p = random_patches(s, spacing, 5);
    kernel_run r;
    patch_field f = field_of(r, p, a, remoteness);
    f.matches = r.output(plane(s), dtype::u32);
    f.costs = r.output(plane(s));
    match_start(r.g, f, cell, seed);
    r.run();
    auto const got = r.download<uint32_t>(f.matches);
    auto const got_costs = r.download(f.costs);
    for (int y = a.top; y < a.bottom; ++y)
        for (int x = a.left; x < a.right; ++x) {
            float least = 1e30f;
            uint32_t const tile =
                scramble(seed ^ scramble(uint32_t((x - a.left) / 8) + (uint32_t((y - a.top) / 8) << 16)));
            for (int cy = 0; cy < s.height && p.kind(x, y) & is_target; cy += cell)
                for (int cx = 0; cx < s.width; cx += cell) {
                    uint32_t const random = scramble(tile ^ scramble(match_of(cx, cy)));
                    int const u = cx + int(random % uint32_t(cell)), v = cy + int((random >> 16) % uint32_t(cell));
                    if (p.kind(u, v) & is_source) least = std::min(least, p.cost(x, y, u, v, remoteness));
                }
            std::size_t const i = std::size_t(y) * s.width + x;
            ASSERT_NEAR(got_costs[i], least, 1e-4f * least);
            if (least == 1e30f) {
                ASSERT_EQ(got[i], no_match);
            } else {
                ASSERT_TRUE(p.kind(x_of(got[i]), y_of(got[i])) & is_source);
                ASSERT_NEAR(p.cost(x, y, x_of(got[i]), y_of(got[i]), remoteness), least, 1e-4f * least);
            }
        }
}

TEST(match_start, best_of_one_candidate_a_cell) {
    for (size s : patch_sizes)
        for (int cell : {1, 3, 8}) check(s, cell == 3 ? inner(s) : whole(s), cell, 300);
    check({65521, 8}, {65400, 0, 65521, 8}, 400, 4000);
}

} // namespace
} // namespace sfumato
