#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

// The first nearest of those within `reach` of (x, y) for which `good` holds, as a match.
template <class Good> uint32_t nearest(int x, int y, int reach, Good const& good) {
    uint32_t found = no_match;
    int least = 1 << 30;
    for (int v = -reach; v <= reach; ++v)
        for (int u = -reach; u <= reach; ++u)
            if (u * u + v * v < least && good(x + u, y + v)) {
                least = u * u + v * v;
                found = match_of(x + u, y + v);
            }
    return found;
}

void check(size s, window const& a, int spacing) {
    size const h{(s.width + 1) / 2, (s.height + 1) / 2};
    patches const fine = random_patches(s, spacing, 3), coarse = random_patches(h, spacing / 3, 4);
    auto const coarse_matches = random_matches(coarse, 5);
    kernel_run r;
    patch_field f = field_of(r, fine, a), half = field_of(r, coarse, whole(h));
    half.matches = r.input(plane(h), coarse_matches);
    f.matches = r.output(plane(s), dtype::u32);
    f.costs = r.output(plane(s));
    match_upsample(r.g, f, half);
    r.run();
    auto const got = r.download<uint32_t>(f.matches);
    auto const got_costs = r.download(f.costs);
    for (int y = a.top; y < a.bottom; ++y)
        for (int x = a.left; x < a.right; ++x) {
            uint32_t wanted = no_match;
            if (fine.kind(x, y) & is_target) {
                auto const clamped = [](int v, int limit) {
                    return std::clamp(v, std::min(radius, limit), std::max(radius, limit));
                };
                uint32_t const parent = nearest(clamped(x / 2, h.width - 1 - radius),
                                                clamped(y / 2, h.height - 1 - radius), 2, [&](int u, int v) {
                                                    return coarse.kind(u, v) & is_target &&
                                                           coarse_matches[std::size_t(v) * h.width + u] != no_match;
                                                });
                if (parent != no_match) {
                    uint32_t const m = coarse_matches[std::size_t(y_of(parent)) * h.width + x_of(parent)];
                    int const u = std::clamp(2 * x_of(m) + x - 2 * x_of(parent), 0, s.width - 1);
                    int const v = std::clamp(2 * y_of(m) + y - 2 * y_of(parent), 0, s.height - 1);
                    wanted = nearest(u, v, 4, [&](int at_x, int at_y) { return fine.kind(at_x, at_y) & is_source; });
                }
            }
            ASSERT_EQ(got[std::size_t(y) * s.width + x], wanted)
                << x << ", " << y << " of " << s.width << " × " << s.height;
            ASSERT_EQ(got_costs[std::size_t(y) * s.width + x], 0);
        }
}

TEST(match_upsample, continues_the_coarser_matches) {
    for (size s : {size{14, 14}, size{15, 29}, size{67, 41}}) {
        check(s, whole(s), 300);
        check(s, inner(s), 300);
    }
    check({65521, 16}, {65300, 0, 65521, 16}, 2000);
}

} // namespace
} // namespace sfumato
