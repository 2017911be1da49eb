#include "models/pipelines/upscale/upscale_parts.h"

#include "request/run.h"

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

} // namespace sfumato
