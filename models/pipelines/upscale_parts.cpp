#include "models/pipelines/upscale_parts.h"

#include "compute/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sfumato {

namespace {

constexpr int margin = 32;    // pixels of the picture around a part: as far as the reach of any network goes
constexpr int longest = 4096; // pixels of the result

struct span {
    int first, last; // exclusive
};

// Equal pieces of the result, each no longer than `longest`.
std::vector<span> pieces(int extent) {
    int const count = (extent + longest - 1) / longest;
    std::vector<span> all;
    for (int i = 0; i < count; ++i)
        all.push_back({int(std::int64_t(extent) * i / count), int(std::int64_t(extent) * (i + 1) / count)});
    return all;
}

} // namespace

int upscaled(int extent, double scale) { return std::max(1, int(std::lround(extent * scale))); }

std::vector<upscale_part> upscale_parts(int width, int height, double scale) {
    std::vector<upscale_part> parts;
    for (span const& y : pieces(upscaled(height, scale)))
        for (span const& x : pieces(upscaled(width, scale))) {
            rect const to{x.first, y.first, x.last - x.first, y.last - y.first};
            parts.push_back({intersect(pixels_under(to, scale), {0, 0, width, height}), to});
        }
    return parts;
}

rect pixels_under(rect const& result, double scale) {
    int const left = int(std::floor(result.x / scale)) - margin,
              right = int(std::ceil(result.right() / scale)) + margin;
    int const top = int(std::floor(result.y / scale)) - margin,
              bottom = int(std::ceil(result.bottom() / scale)) + margin;
    return {left, top, right - left, bottom - top};
}

void check_part(upscale_part const& p, double scale) {
    constexpr int far = 1 << 24;
    auto const bounded = [](rect const& r) {
        return !r.empty() && r.x >= 0 && r.y >= 0 && r.x < far && r.y < far && r.width < far && r.height < far;
    };
    // The last pixel of a result may lie half a pixel behind the picture's last.
    auto const lies_in = [&](int first, int last, int from_first, int from_last) {
        return first / scale >= from_first - 1e-6 && (last - 0.5) / scale <= from_last + 0.5 / scale;
    };
    if (!bounded(p.from) || !bounded(p.to) || !lies_in(p.to.x, p.to.right(), p.from.x, p.from.right()) ||
        !lies_in(p.to.y, p.to.bottom(), p.from.y, p.from.bottom()))
        fail("The part of the result that is asked for ({} × {} at {}, {}) does not lie over the pixels that are given "
             "({} × {} at {}, {}).",
             p.to.width, p.to.height, p.to.x, p.to.y, p.from.width, p.from.height, p.from.x, p.from.y);
}

} // namespace sfumato
