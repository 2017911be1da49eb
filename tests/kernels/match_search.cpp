#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

struct found {
    std::vector<uint32_t> matches;
    std::vector<float> costs;
};

found search(patches const& p, std::vector<uint32_t> const& before, window const& a, int stride, int trials,
             uint32_t seed) {
    kernel_run r;
    patch_field f = field_of(r, p, a, 0.5f);
    f.matches = r.input(plane(p.s), before);
    f.costs = r.output(plane(p.s));
    match_search(r.g, f, stride, trials, 10, seed);
    r.g.output(f.matches);
    r.run();
    return {r.download<uint32_t>(f.matches), r.download(f.costs)};
}

// The best of the own match and what the neighbours' matches continue to.
float propagated(patches const& p, std::vector<uint32_t> const& before, window const& a, int stride, int x, int y) {
    int const d = stride == 1 ? 2 : 1;
    int const steps[9][2] = {{0, 0},   {-stride, 0}, {stride, 0}, {0, -stride}, {0, stride},
                             {-d, -d}, {d, -d},      {-d, d},     {d, d}};
    float least = 1e30f;
    for (auto const& [u, v] : steps) {
        if (!holds(a, x + u, y + v)) continue;
        uint32_t const m = before[std::size_t(y + v) * p.s.width + x + u];
        if (m == no_match || !(p.kind(x_of(m) - u, y_of(m) - v) & is_source)) continue;
        least = std::min(least, p.cost(x, y, x_of(m) - u, y_of(m) - v, 0.5f));
    }
    return least;
}

void check(size s, window const& a, int stride, int spacing) {
    patches const p = random_patches(s, spacing, 5);
    auto const before = random_matches(p, 6);
    auto const still = search(p, before, a, stride, 0, 1), tried = search(p, before, a, stride, 8, 1);
    EXPECT_EQ(tried.matches, search(p, before, a, stride, 8, 1).matches) << "the same seed finds the same";
    for (int y = a.top; y < a.bottom; ++y)
        for (int x = a.left; x < a.right; ++x) {
            std::size_t const i = std::size_t(y) * s.width + x;
            if (!(p.kind(x, y) & is_target)) {
                ASSERT_EQ(still.matches[i], no_match);
                continue;
            }
            float const wanted = propagated(p, before, a, stride, x, y);
            ASSERT_NEAR(still.costs[i], wanted, 1e-4f * wanted) << x << ", " << y;
            ASSERT_LE(tried.costs[i], still.costs[i]) << "random trials only make it better";
            for (auto const& f : {still, tried}) {
                if (f.matches[i] == no_match) continue;
                int const u = x_of(f.matches[i]), v = y_of(f.matches[i]);
                ASSERT_TRUE(p.kind(u, v) & is_source) << "a patch with a hole in it was found";
                float const cost = p.cost(x, y, u, v, 0.5f);
                ASSERT_NEAR(f.costs[i], cost, 1e-4f * cost);
            }
        }
}

TEST(match_search, propagates_and_tries) {
    for (size s : patch_sizes)
        for (int stride : {1, 2, 4}) check(s, stride == 2 ? inner(s) : whole(s), stride, 300);
    check({65521, 8}, {65400, 0, 65521, 8}, 2, 4000);
}

TEST(match_search, random_trials_find_what_was_missing) {
    patches const p = random_patches({67, 41}, 900, 5);
    auto const after = search(p, std::vector<uint32_t>(p.s.count(), no_match), whole(p.s), 1, 30, 3);
    int targets = 0, matched = 0;
    for (std::size_t i = 0; i < p.s.count(); ++i)
        if (p.kinds[i] & is_target) {
            ++targets;
            matched += after.matches[i] != no_match;
        }
    EXPECT_GT(targets, 50);
    EXPECT_GT(matched, targets * 9 / 10);
}

} // namespace
} // namespace sfumato
