#include "request/context.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

namespace {

// Grows [start, start + length) by `pad` on each side to at least `minimum`, shifted to stay inside [0, limit).
void grow(int& start, int& length, int pad, int minimum, int limit) {
    int const wanted = std::min(limit, std::max(length + 2 * pad, minimum));
    start = std::clamp(start - (wanted - length) / 2, 0, limit - wanted);
    length = wanted;
}

} // namespace

rect context_box(rect const& selection, int width, int height, context context) {
    rect box = intersect(selection, {0, 0, width, height});
    if (context == context::image) return {0, 0, width, height};
    if (context == context::selection || box.empty()) return box;
    // Enough surroundings to find matching texture in: at least half the hole's size and a sixteenth of the picture on
    // each side, and never less than 512 pixels a side.
    int const pad = std::max(std::max(width, height) / 16, (box.width + box.height) / 4);
    grow(box.x, box.width, pad, 512, width);
    grow(box.y, box.height, pad, 512, height);
    return box;
}

} // namespace sfumato
