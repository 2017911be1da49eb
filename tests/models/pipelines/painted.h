// Pictures for tests of fills, painted by functions, and what came of them.
#pragma once

#include "compute/device.h"
#include "request/run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

namespace sfumato {

inline device& test_device() {
    static device the;
    return the;
}

using colour = std::array<float, 4>;

inline picture paint(int width, int height, std::function<colour(int, int)> const& at) {
    picture p(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) std::ranges::copy(at(x, y), &p.pixels[(std::size_t(y) * width + x) * 4]);
    return p;
}

inline mask select(int width, int height, rect const& area, float value = 1) {
    mask m(width, height);
    for (int y = area.y; y < area.bottom(); ++y)
        for (int x = area.x; x < area.right(); ++x) m.values[std::size_t(y) * width + x] = value;
    return m;
}

inline colour texture(int x, int y) {
    float const wave = 0.5f + 0.3f * std::sin(0.9f * x + 0.2f * y) + 0.15f * std::sin(0.7f * y);
    return {wave, 0.7f * wave + 0.2f, 1 - wave, 1};
}

// Calls `check(given, filled, selected, composite)` for each pixel of the result.
inline void each_pixel(picture const& p, mask const& selection, run_result const& r, auto const& check) {
    for (int y = 0; y < r.picture.height; ++y)
        for (int x = 0; x < r.picture.width; ++x) {
            std::size_t const i = std::size_t(y + r.y) * p.width + x + r.x, o = std::size_t(y) * r.picture.width + x;
            check(&p.pixels[4 * i], &r.picture.pixels[4 * o], selection.values[i], r.mask.values[o]);
        }
}

// What must not matter in the hole is no number there.
inline picture emptied(picture p, mask const& selection) {
    for (std::size_t i = 0; i < selection.values.size(); ++i)
        if (selection.values[i] > 0) std::fill_n(&p.pixels[4 * i], 4, std::numeric_limits<float>::quiet_NaN());
    return p;
}

inline double mean_error(picture const& p, mask const& selection, run_result const& r) {
    double sum = 0, count = 0;
    each_pixel(p, selection, r, [&](float const* given, float const* filled, float selected, float) {
        for (int k = 0; k < 4 && selected > 0; ++k, ++count) sum += std::abs(given[k] - filled[k]);
    });
    return sum / count;
}

// Differences between neighbours, red, in both directions, where both lie in `area`.
inline std::vector<double> steps_in(picture const& p, rect const& area) {
    std::vector<double> steps;
    auto const at = [&](int x, int y) { return double(p.pixels[(std::size_t(y) * p.width + x) * 4]); };
    for (int y = area.y; y + 1 < area.bottom(); ++y)
        for (int x = area.x; x + 1 < area.right(); ++x)
            for (double next : {at(x + 1, y), at(x, y + 1)}) steps.push_back(std::abs(next - at(x, y)));
    return steps;
}

inline double mean(std::vector<double> const& values) {
    double sum = 0;
    for (double v : values) sum += v;
    return sum / double(values.size());
}

} // namespace sfumato
