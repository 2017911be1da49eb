// How a large picture is enlarged in parts, so that neither the engine nor the one who asks holds all of it in memory.
// Pixel (x, y) of the result lies at ((x + ½)/scale, (y + ½)/scale) of the picture, whatever part it belongs to.
#pragma once

#include "models/picture.h"

#include <vector>

namespace sfumato {

struct upscale_part {
    rect from; // pixels of the picture that are given: those under `to` and some more around them, inside the picture
    rect to;   // pixels of the result that are wanted
    bool operator==(upscale_part const&) const = default;
};

/// The result's extent: rounded, at least 1.
int upscaled(int extent, double scale);

/// Parts that cover the result, row by row; none has more than 2²⁴ pixels.
std::vector<upscale_part> upscale_parts(int width, int height, double scale);

/// The picture's pixels under those of the result, and as many around them as any network looks at; they may lie
/// outside the picture.
rect pixels_under(rect const& result, double scale);

/// Throws error unless all of `to` can be computed from `from`, and neither is empty or out of all bounds.
void check_part(upscale_part const&, double scale);

} // namespace sfumato
