#include "tests/kernels/fill_cases.h"

#include <array>

namespace sfumato {
namespace {

using namespace fill_test;

constexpr float sharpness = 0.02f, largest = 0.5f;

struct case_of {
    patches p;
    std::vector<uint32_t> states, matches;
    std::vector<float> costs, pixels, votes;
};

// The step from (x, y) to its neighbour that is missing; `a`: where matches are.
std::array<float, 4> missing(case_of const& c, window const& a, int x, int y, int dx, int dy) {
    size const s = c.p.s;
    if (x + dx >= s.width || y + dy >= s.height) return {};
    std::size_t const i = std::size_t(y) * s.width + x, next = std::size_t(dy) * s.width + dx;
    uint32_t const here = c.states[i], there = c.states[i + next];
    if ((here != hole && there != hole) || here == blank || there == blank) return {};
    double least = 1e30, weights = 0, sum[4] = {};
    auto const each = [&](auto const& visit) {
        for (int v = -radius; v <= radius; ++v)
            for (int u = -radius; u <= radius; ++u) {
                // The patch centred there must hold both pixels.
                bool const both = std::abs(dx - u) <= radius && std::abs(dy - v) <= radius;
                std::size_t const j = i + std::ptrdiff_t(v) * s.width + u;
                if (both && holds(a, x + u, y + v) && c.matches[j] != no_match)
                    visit(j, std::size_t(y_of(c.matches[j]) - v) * s.width + x_of(c.matches[j]) - u);
            }
    };
    each([&](std::size_t j, std::size_t) { least = std::min(least, double(c.costs[j])); });
    each([&](std::size_t j, std::size_t from) {
        double const w = c.p.confidences[j] * std::exp((least - c.costs[j]) * sharpness) + 1e-20;
        for (int k = 0; k < 4; ++k) sum[k] += w * (c.pixels[4 * (from + next) + k] - c.pixels[4 * from + k]);
        weights += w;
    });
    if (weights == 0) return {};
    auto const colour = [&](std::size_t j, int k) { return (c.states[j] == hole ? c.votes : c.pixels)[4 * j + k]; };
    std::array<float, 4> step;
    for (int k = 0; k < 4; ++k) step[k] = float(sum[k] / weights) - (colour(i + next, k) - colour(i, k));
    float const squared = step[0] * step[0] + step[1] * step[1] + step[2] * step[2];
    for (float& v : step) v *= std::exp(-squared / (largest * largest));
    return step;
}

void check(size s, window const& a, window const& part, int spacing) {
    patches const p = random_patches(s, spacing, 5);
    case_of const c{p,
                    random_states(s, spacing, 6), // what random_patches made its kinds of
                    random_matches(p, 7),
                    random_values(s.count(), 0, 200, 8),
                    random_values(4 * s.count(), 0, 1, 9),
                    random_values(4 * s.count(), 0, 1, 10)};
    std::vector<float> across, down;
    for (int y = part.top; y < part.bottom; ++y)
        for (int x = part.left; x < part.right; ++x) {
            for (float v : missing(c, a, x, y, 1, 0)) across.push_back(v);
            for (float v : missing(c, a, x, y, 0, 1)) down.push_back(v);
        }
    kernel_run r;
    size const inside{part.width(), part.height()};
    tensor const px = r.input(colours(s), c.pixels), vo = r.input(colours(s), c.votes),
                 st = r.input(plane(s), c.states), cf = r.input(plane(s), p.confidences),
                 ma = r.input(plane(s), c.matches), co = r.input(plane(s), c.costs), ac = r.output(colours(inside)),
                 dn = r.output(colours(inside));
    r.g.dispatch(kernel::patch_steps{.pixels = r.g.in(px),
                                     .votes = r.g.in(vo),
                                     .states = r.g.in(st),
                                     .confidences = r.g.in(cf),
                                     .matches = r.g.in(ma),
                                     .costs = r.g.in(co),
                                     .across = r.g.out(ac),
                                     .down = r.g.out(dn),
                                     .width = s.width,
                                     .height = s.height,
                                     .left = a.left,
                                     .top = a.top,
                                     .right = a.right,
                                     .bottom = a.bottom,
                                     .first_x = part.left,
                                     .first_y = part.top,
                                     .columns = part.width(),
                                     .rows = part.height(),
                                     .sharpness = sharpness,
                                     .largest = largest},
                 {uint32_t(inside.width), uint32_t(inside.height)});
    r.run();
    expect_near(r.download(ac), across, 1e-4f, "step across", s);
    expect_near(r.download(dn), down, 1e-4f, "step down", s);
}

TEST(patch_steps, what_is_missing_of_the_steps_that_patches_propose) {
    for (size s : patch_sizes) {
        check(s, whole(s), whole(s), 300);
        check(s, whole(s), inner(s), 300);
    }
    check({65521, 8}, {65400, 0, 65521, 8}, {65401, 1, 65521, 7}, 4000);
}

TEST(patch_steps, without_patches_there_are_none) {
    for (size s : {size{1, 1}, size{1, 37}, size{53, 1}}) check(s, whole(s), whole(s), 3);
}

} // namespace
} // namespace sfumato
