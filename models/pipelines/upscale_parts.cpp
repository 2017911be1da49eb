#include "models/pipelines/upscale_parts.h"

#include "compute/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sfumato {

namespace {

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

part_overlap overlap_for(upscaler_shape const& s, double scale) {
    constexpr int lanczos = 4; // it reads pixels, too
    double margin = 0, enlarged = 1;
    while (true) {
        margin += (s.margin + s.reach + lanczos) / enlarged;
        if (s.scale < 2 || scale <= enlarged * s.scale) break;
        enlarged *= s.scale;
    }
    return {int(std::ceil(margin)), s.multiple};
}

std::vector<upscale_part> upscale_parts(int width, int height, double scale, part_overlap const& overlap) {
    std::vector<upscale_part> parts;
    for (span const& y : pieces(upscaled(height, scale)))
        for (span const& x : pieces(upscaled(width, scale))) {
            rect const to{x.first, y.first, x.last - x.first, y.last - y.first};
            parts.push_back({intersect(pixels_under(to, scale, overlap), {0, 0, width, height}), to});
        }
    return parts;
}

rect pixels_under(rect const& result, double scale, part_overlap const& overlap) {
    auto const before = [&](int first) {
        int const at = int(std::floor(first / scale)) - overlap.margin, m = overlap.multiple;
        return at >= 0 ? at / m * m : -(-at + m - 1) / m * m;
    };
    auto const after = [&](int last) { return int(std::ceil(last / scale)) + overlap.margin; };
    int const left = before(result.x), top = before(result.y);
    return {left, top, after(result.right()) - left, after(result.bottom()) - top};
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
