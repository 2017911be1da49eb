#include "plugin/result_mask.h"

#include "plugin/pixels.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace sfumato {

namespace {

// What `each` is given: some rows of `area` at a time, so that a large mask is never in memory as a whole.
template <class F> void for_strips(rect const& area, F each) {
    constexpr int rows = 256;
    for (int y = area.y; y < area.bottom(); y += rows)
        each(rect{area.x, y, area.width, std::min(rows, area.bottom() - y)});
}

// Between which two of `count` samples the centre of sample `i` of the enlarged row or column lies.
struct between {
    int low, high;
    float part; // of the way from low to high
};

between find(int i, int count, double scale) {
    double const at = std::clamp((i + 0.5) / scale - 0.5, 0.0, count - 1.0);
    int const low = int(at);
    return {low, std::min(low + 1, count - 1), float(at - low)};
}

float mixed(float a, float b, float part) { return a + (b - a) * part; }

// Rows `y` … of the enlarged mask. `m`: rows `first` … of the `height` ones that the whole mask has.
mask enlarged(mask const& m, int first, int height, double scale, rect const& strip) {
    mask large(strip.width, strip.height);
    for (int y = 0; y < strip.height; ++y) {
        between const v = find(strip.y + y, height, scale);
        float const* const upper = &m.values[std::size_t(v.low - first) * m.width];
        float const* const lower = &m.values[std::size_t(v.high - first) * m.width];
        for (int x = 0; x < strip.width; ++x) {
            between const h = find(x, m.width, scale);
            large.values[std::size_t(y) * strip.width + x] =
                mixed(mixed(upper[h.low], upper[h.high], h.part), mixed(lower[h.low], lower[h.high], h.part), v.part);
        }
    }
    return large;
}

} // namespace

GimpLayerMask* mask_in_use(GimpLayer* layer) {
    return layer && gimp_layer_get_apply_mask(layer) ? gimp_layer_get_mask(layer) : nullptr;
}

void mask_by_selection(GimpLayer* copy, rect const& area, GimpImage* image) {
    bool const is_within = mask_in_use(copy);
    GimpLayerMask* const old = gimp_layer_get_mask(copy);
    GimpDrawable* const to = GIMP_DRAWABLE(old ? old : add_mask(copy, GIMP_ADD_MASK_WHITE));
    rect const at = extent_of(copy);
    for_strips(area, [&](rect const& strip) {
        rect const here = moved(strip, -at.x, -at.y);
        mask m = read_mask(GIMP_DRAWABLE(gimp_image_get_selection(image)), strip); // zero beside the canvas
        if (is_within)
            std::ranges::transform(m.values, read_mask(to, here).values, m.values.begin(), std::multiplies());
        write_mask(to, here.x, here.y, m);
    });
    check_delivered(gimp_layer_set_apply_mask(copy, TRUE));
}

void add_enlarged_mask(GimpLayer* made, GimpLayerMask* from, GimpLayer* of, rect const& area, double scale) {
    GimpDrawable* const to = GIMP_DRAWABLE(add_mask(made, GIMP_ADD_MASK_WHITE));
    rect const at = extent_of(of), result = extent_of(made);
    for_strips({0, 0, result.width, result.height}, [&](rect const& strip) {
        int const first = find(strip.y, area.height, scale).low;
        int const end = find(strip.bottom() - 1, area.height, scale).high + 1;
        mask const m =
            read_mask(GIMP_DRAWABLE(from), moved({area.x, area.y + first, area.width, end - first}, -at.x, -at.y));
        write_mask(to, strip.x, strip.y, enlarged(m, first, area.height, scale, strip));
    });
}

} // namespace sfumato
