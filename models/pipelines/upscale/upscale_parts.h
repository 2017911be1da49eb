// How a large picture is enlarged in parts, so that neither the engine nor the one who asks holds all of it in memory.
// Pixel (x, y) of the result lies at ((x + ½)/scale, (y + ½)/scale) of the picture, whatever part it belongs to.
#pragma once

#include "models/networks/upscaler.h"
#include "request/picture.h"

#include <vector>

namespace sfumato {

struct upscale_part {
    rect from; // pixels of the picture that are read: those under `to` and some more around them, inside the picture
    rect to;   // pixels of the result that are wanted
    bool operator==(upscale_part const&) const = default;
};

/// How parts must overlap for a network, in pixels of the picture.
struct part_overlap {
    int margin = 0;   // around what is under a part's result
    int multiple = 1; // parts begin at multiples of it, so that the network cuts all of them alike
};
/// For all the times that the network goes over the picture.
part_overlap overlap_for(upscaler_shape const&, double scale);

/// Parts that cover the result, row by row; none has a result of more than 2²⁴ pixels.
std::vector<upscale_part> upscale_parts(int width, int height, double scale, part_overlap const&);

/// The picture's pixels under those of the result, and the overlap around them; they may lie outside the picture.
rect pixels_under(rect const& result, double scale, part_overlap const&);

} // namespace sfumato
