// What the tests of the fill's kernels share: sizes, pictures with holes, and patches in plain C++.
#pragma once

#include "compute/ops_fill.h"
#include "kernel_binaries.h"
#include "tests/kernels/kernel_test.h"

#include <cstdint>

namespace sfumato::fill_test {

using std::uint32_t;

struct size {
    int width, height;
    std::size_t count() const { return std::size_t(width) * height; }
};

// One pixel, single rows and columns, primes, a row longer than 65,535.
inline std::vector<size> const odd_sizes = {{1, 1}, {1, 37}, {53, 1}, {2, 2}, {7, 7}, {31, 29}, {70001, 2}};
// Those that hold patches.
inline std::vector<size> const patch_sizes = {{7, 7}, {8, 13}, {31, 29}, {67, 41}};

constexpr int radius = 3;
constexpr uint32_t known = 0, hole = 1, blank = 2; // shaders/patch.glsl
constexpr uint32_t is_source = 1, is_target = 2, no_match = ~0u;

/// About one pixel in `spacing` is the centre of a hole of 5 × 5, and one in as many is blank.
inline std::vector<uint32_t> random_states(size s, int spacing, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<uint32_t> states(s.count(), known);
    for (std::size_t i = 0; i < s.count(); ++i) {
        auto const chance = generator() % uint32_t(2 * spacing);
        if (chance == 1) states[i] = blank;
        if (chance > 0) continue;
        int const x = int(i) % s.width, y = int(i) / s.width;
        for (int v = std::max(y - 2, 0); v < std::min(y + 3, s.height); ++v)
            for (int u = std::max(x - 2, 0); u < std::min(x + 3, s.width); ++u)
                states[std::size_t(v) * s.width + u] = hole;
    }
    return states;
}

inline std::vector<uint32_t> random_integers(std::size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<uint32_t> values(count);
    for (auto& v : values) v = uint32_t(generator());
    return values;
}

inline uint32_t match_of(int x, int y) { return uint32_t(x) | uint32_t(y) << 16; }
inline int x_of(uint32_t match) { return int(match & 0xffff); }
inline int y_of(uint32_t match) { return int(match >> 16); }

/// The sum of what a patch around pixel i is compared with: at every second pixel.
inline float compared(size s, std::vector<float> const& confidences, std::size_t i) {
    float sum = 0;
    for (int v = -radius; v <= radius; ++v)
        for (int u = -radius; u <= radius; ++u)
            if ((u + v) % 2 == 0) sum += confidences[i + std::ptrdiff_t(v) * s.width + u];
    return sum;
}

inline uint32_t scramble(uint32_t value) {
    value = value * 747796405u + 2891336453u;
    value = ((value >> ((value >> 28) + 4)) ^ value) * 277803737u;
    return (value >> 22) ^ value;
}

/// What patches are compared with: a level's packed pixels, kinds and confidences.
struct patches {
    size s;
    std::vector<uint32_t> packed, kinds;
    std::vector<float> confidences, scales;

    uint32_t kind(int x, int y) const {
        return x < 0 || y < 0 || x >= s.width || y >= s.height ? 0 : kinds[std::size_t(y) * s.width + x];
    }
    /// Mean squared difference in 8-bit steps, and how remote the source is.
    float cost(int x, int y, int from_x, int from_y, float remoteness) const {
        float sum = 0;
        for (int v = -radius; v <= radius; ++v)
            for (int u = -radius; u <= radius; ++u) {
                if ((u + v) % 2 != 0) continue; // compared at every second pixel
                std::size_t const a = std::size_t(y + v) * s.width + x + u,
                                  b = std::size_t(from_y + v) * s.width + from_x + u;
                int squares = 0;
                for (int shift = 0; shift < 32; shift += 8) {
                    int const d = int(packed[a] >> shift & 255) - int(packed[b] >> shift & 255);
                    squares += d * d;
                }
                sum += confidences[a] * float(squares);
            }
        float const dx = float(from_x - x), dy = float(from_y - y);
        return sum * scales[std::size_t(y) * s.width + x] + remoteness * (dx * dx + dy * dy);
    }
};

/// Calls visit(i, kind) for every pixel i that a whole patch lies around, with what that patch is.
template <class Visit> void each_patch(size s, std::vector<uint32_t> const& states, Visit const& visit) {
    for (int y = radius; y < s.height - radius; ++y)
        for (int x = radius; x < s.width - radius; ++x) {
            bool all_known = true, any_hole = false;
            for (int v = -radius; v <= radius; ++v)
                for (int u = -radius; u <= radius; ++u) {
                    uint32_t const state = states[std::size_t(y + v) * s.width + x + u];
                    all_known &= state == known;
                    any_hole |= state == hole;
                }
            visit(std::size_t(y) * s.width + x, (all_known ? is_source : 0) | (any_hole ? is_target : 0));
        }
}

inline patches random_patches(size s, int spacing, unsigned seed) {
    patches p{s, random_integers(s.count(), seed), std::vector<uint32_t>(s.count()),
              random_values(s.count(), 0.1f, 1, seed), std::vector<float>(s.count())};
    each_patch(s, random_states(s, spacing, seed + 1), [&](std::size_t i, uint32_t kind) {
        p.kinds[i] = kind;
        p.scales[i] = 1 / compared(s, p.confidences, i);
    });
    return p;
}

/// A random source for every target, or no_match for some.
inline std::vector<uint32_t> random_matches(patches const& p, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<uint32_t> sources, matches(p.s.count(), no_match);
    for (int y = 0; y < p.s.height; ++y)
        for (int x = 0; x < p.s.width; ++x)
            if (p.kind(x, y) & is_source) sources.push_back(match_of(x, y));
    for (std::size_t i = 0; i < matches.size(); ++i)
        if (p.kinds[i] & is_target && !sources.empty() && generator() % 8 > 0)
            matches[i] = sources[generator() % sources.size()];
    return matches;
}

inline bool holds(window const& w, int x, int y) { return x >= w.left && y >= w.top && x < w.right && y < w.bottom; }
inline window whole(size s) { return {0, 0, s.width, s.height}; }
/// All but one row or column on each side, where there is room.
inline window inner(size s) {
    int const x = s.width > 2, y = s.height > 2;
    return {x, y, s.width - x, s.height - y};
}

inline shape plane(size s) { return {.h = s.height, .w = s.width}; }
inline shape colours(size s) { return {.h = s.height, .w = s.width, .c = 4}; }

/// What the ops on patches read of `p`; matches, costs, votes and the level's own tensors are the test's.
inline patch_field field_of(kernel_run& r, patches const& p, window const& area, float remoteness = 0) {
    patch_field f{.area = area,
                  .options = {.remoteness = remoteness},
                  .kinds = r.input(plane(p.s), p.kinds),
                  .confidences = r.input(plane(p.s), p.confidences),
                  .scales = r.input(plane(p.s), p.scales),
                  .packed = r.input(plane(p.s), p.packed)};
    f.level.pixels.shape = colours(p.s);
    return f;
}

inline void expect_near(std::vector<float> const& got, std::vector<float> const& wanted, float tolerance,
                        char const* what, size s) {
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], wanted[i], tolerance * std::max(1.0f, std::abs(wanted[i])))
            << what << " at " << i << " of " << s.width << " × " << s.height;
}

} // namespace sfumato::fill_test
