#include "plugin/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace sfumato {

namespace {

// Keys' cubic with a = −1/2.
double catmull_rom(double x) {
    x = std::abs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0;
}

// Which samples make a new one; the weights' sum is 1.
struct tap {
    int first;
    std::vector<float> weights;
};

// Of each of `made` new samples in a row of `count`, of which `scale` new ones come of one.
std::vector<tap> taps_of(int count, int made, double scale) {
    double const width = std::max(1.0, 1 / scale), start = (count * scale - made) / 2; // what is cut off
    std::vector<tap> all;
    for (int i = 0; i < made; ++i) {
        double const at = (i + start + 0.5) / scale - 0.5;
        int const first = std::max(0, int(std::floor(at - 2 * width)) + 1),
                  last = std::min(count - 1, int(std::ceil(at + 2 * width)) - 1);
        tap t{first, {}};
        double sum = 0;
        for (int k = first; k <= last; ++k) sum += catmull_rom((k - at) / width);
        for (int k = first; k <= last; ++k) t.weights.push_back(float(catmull_rom((k - at) / width) / sum));
        all.push_back(std::move(t));
    }
    return all;
}

// Each pixel of `made` from some of `from`, `step` floats apart.
void blend(float* made, float const* from, std::size_t step, tap const& t) {
    for (std::size_t k = 0; k < t.weights.size(); ++k)
        for (int c = 0; c < 4; ++c) made[c] += t.weights[k] * from[(std::size_t(t.first) + k) * step + c];
}

} // namespace

picture cover(picture const& p, int width, int height) {
    if (p.width == width && p.height == height) return p;
    double const scale = std::max(double(width) / p.width, double(height) / p.height);
    auto const columns = taps_of(p.width, width, scale), rows = taps_of(p.height, height, scale);
    picture wide(width, p.height), made(width, height);
    for (int y = 0; y < p.height; ++y)
        for (int x = 0; x < width; ++x)
            blend(&wide.pixels[4 * (std::size_t(y) * width + x)], &p.pixels[4 * std::size_t(y) * p.width], 4,
                  columns[std::size_t(x)]);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            blend(&made.pixels[4 * (std::size_t(y) * width + x)], &wide.pixels[4 * std::size_t(x)],
                  4 * std::size_t(width), rows[std::size_t(y)]);
    return made;
}

} // namespace sfumato
