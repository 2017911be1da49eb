// How a part of an enlargement is cut into tiles that a network takes one after the other. All tiles are of one size,
// so that one graph serves all.
#pragma once

#include "models/pipelines/upscale/upscale_parts.h"

#include <vector>

namespace sfumato {

struct upscale_tile {
    int y = 0, x = 0; // of its first pixel, in the pixels that are given
    rect to;          // what it makes of the result
};

struct upscale_tiles {
    int height = 0, width = 0;               // pixels of the picture that each covers, perhaps past its end
    int window_height = 0, window_width = 0; // pixels of the result that the largest of them makes
    std::vector<upscale_tile> tiles;         // row by row
};

/// What a network needs of a tile, in pixels of the picture.
struct tile_needs {
    int multiple = 1; // tiles begin at multiples of it, and have sides that are
    int reach = 0;    // tiles overlap by twice as much, except where the picture ends

    /// The shortest side that makes any progress.
    int least() const { return 2 * (reach + multiple + 1); }
};

/// The fewest tiles whose sides are no longer than `longest` (or the least), and those as small as they may be.
upscale_tiles cut_into_tiles(upscale_part const&, double scale, tile_needs const&, int longest);

} // namespace sfumato
