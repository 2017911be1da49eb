#include "request/picture.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>

namespace sfumato {

rect intersect(rect const& a, rect const& b) {
    int const x = std::max(a.x, b.x), y = std::max(a.y, b.y);
    rect const r{x, y, std::min(a.right(), b.right()) - x, std::min(a.bottom(), b.bottom()) - y};
    return r.empty() ? rect{} : r;
}

rect grown(rect const& r, int by) { return {r.x - by, r.y - by, r.width + 2 * by, r.height + 2 * by}; }

namespace {

// Copies the rows of `area` out of an image whose pixels are `channels` floats wide.
std::vector<float> crop_rows(std::vector<float> const& from, int from_width, rect const& area, int channels) {
    std::vector<float> rows;
    rows.reserve(std::size_t(area.width) * area.height * channels);
    for (int y = area.y; y < area.bottom(); ++y) {
        auto const row = from.begin() + (std::ptrdiff_t(y) * from_width + area.x) * channels;
        rows.insert(rows.end(), row, row + std::ptrdiff_t(area.width) * channels);
    }
    return rows;
}

} // namespace

picture crop(picture const& from, rect const& area) {
    assert(intersect(area, {0, 0, from.width, from.height}) == area);
    picture to;
    to.width = area.width;
    to.height = area.height;
    to.pixels = crop_rows(from.pixels, from.width, area, 4);
    return to;
}

mask crop(mask const& from, rect const& area) {
    assert(intersect(area, {0, 0, from.width, from.height}) == area);
    mask to;
    to.width = area.width;
    to.height = area.height;
    to.values = crop_rows(from.values, from.width, area, 1);
    return to;
}

rect bounds(mask const& m) {
    int left = m.width, right = 0, top = m.height, bottom = 0;
    for (int y = 0; y < m.height; ++y)
        for (int x = 0; x < m.width; ++x)
            if (m.values[std::size_t(y) * m.width + x] > 0) {
                left = std::min(left, x);
                right = std::max(right, x + 1);
                top = std::min(top, y);
                bottom = y + 1;
            }
    return right > left ? rect{left, top, right - left, bottom - top} : rect{};
}

void make_unknown_transparent(picture& p) {
    for (std::size_t i = 0; i < p.pixels.size(); i += 4) {
        std::span const pixel(&p.pixels[i], 4);
        if (!std::ranges::all_of(pixel, [](float v) { return std::isfinite(v); })) std::ranges::fill(pixel, 0.0f);
    }
}

} // namespace sfumato
