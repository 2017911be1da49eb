#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

void check(size s, window const& a, bool relative, bool known_too, int spacing) {
    constexpr float sharpness = 0.02f;
    patches const p = random_patches(s, spacing, 5);
    auto const states = random_states(s, spacing, 6); // what random_patches made its kinds of
    auto const matches = random_matches(p, 7);
    auto const costs = random_values(s.count(), 0, 200, 8), pixels = random_values(4 * s.count(), 0, 1, 9);
    auto const before = random_values(4 * s.count(), 0, 1, 10);
    auto wanted = before;
    for (int y = a.top; y < a.bottom; ++y)
        for (int x = a.left; x < a.right; ++x) {
            std::size_t const i = std::size_t(y) * s.width + x;
            if (states[i] == blank || (states[i] == known && !known_too)) continue;
            struct proposal {
                double weight, cost;
                std::size_t from;
            };
            std::vector<proposal> proposals;
            double least = 1e30, sum[4] = {}, weights = 0;
            for (int v = -radius; v <= radius; ++v)
                for (int u = -radius; u <= radius; ++u) {
                    std::size_t const j = i + std::ptrdiff_t(v) * s.width + u;
                    if (!holds(a, x + u, y + v) || matches[j] == no_match) continue;
                    proposals.push_back({p.confidences[j], costs[j],
                                         std::size_t(y_of(matches[j]) - v) * s.width + x_of(matches[j]) - u});
                    least = std::min(least, double(costs[j]));
                }
            for (auto const& [confidence, cost, from] : proposals) {
                double const w = confidence * std::exp(((relative ? least : 0) - cost) * sharpness) + 1e-20;
                for (int k = 0; k < 4; ++k) sum[k] += w * pixels[4 * from + k];
                weights += w;
            }
            for (int k = 0; k < 4 && !proposals.empty(); ++k) wanted[4 * i + k] = float(sum[k] / weights);
        }
    kernel_run r;
    patch_field f = field_of(r, p, a);
    f.matches = r.input(plane(s), matches);
    f.level.pixels = r.input(colours(s), pixels);
    f.level.states = r.input(plane(s), states);
    f.costs = r.input(plane(s), costs);
    f.votes = r.input(colours(s), before);
    patch_vote(r.g, f, {sharpness, relative, known_too});
    r.g.output(f.votes);
    r.g.output(f.packed);
    r.run();
    expect_near(r.download(f.votes), wanted, 1e-4f, "vote", s);
    auto const got = r.download<uint32_t>(f.packed);
    for (std::size_t i = 0; i < s.count(); ++i) {
        bool const voted = states[i] == hole && !std::equal(&wanted[4 * i], &wanted[4 * i] + 4, &before[4 * i]);
        for (int k = 0; k < 4 && voted; ++k) ASSERT_NEAR(float(got[i] >> 8 * k & 255), 255 * wanted[4 * i + k], 0.53f);
        if (!voted) {
            ASSERT_EQ(got[i], p.packed[i]) << "only the hole is packed";
        }
    }
}

TEST(patch_vote, weighted_mean_of_proposals) {
    for (size s : patch_sizes)
        for (bool relative : {false, true}) check(s, relative ? inner(s) : whole(s), relative, relative, 300);
    check({67, 41}, whole({67, 41}), false, true, 300);
    check({65521, 8}, {65400, 0, 65521, 8}, true, true, 4000);
}

TEST(patch_vote, without_patches_nothing_changes) {
    for (size s : {size{1, 1}, size{1, 37}, size{53, 1}}) check(s, whole(s), false, true, 3);
}

} // namespace
} // namespace sfumato
