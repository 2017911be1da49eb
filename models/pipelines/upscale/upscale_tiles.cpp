#include "models/pipelines/upscale/upscale_tiles.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

// Along one side.
struct piece {
    int at;          // in what is given
    int first, last; // of the result, exclusive
};
struct side {
    int given_first, given; // pixels of the picture
    int first, last;        // of the result, exclusive
    double scale;
    tile_needs needs;

    int down(int n) const { return n / needs.multiple * needs.multiple; }
    int whole() const { return down(given + needs.multiple - 1); }

    std::vector<piece> pieces(int length) const {
        std::vector<piece> all;
        for (int begin = first; begin < last;) {
            int const at =
                std::clamp(down(std::max(int(begin / scale) - given_first - needs.reach, 0)), 0, whole() - length);
            int const reaches = int(std::floor((given_first + at + length - needs.reach) * scale));
            int const end = at + length == whole() ? last : std::min(last, reaches);
            assert(end > begin);
            all.push_back({at, begin, end});
            begin = end;
        }
        return all;
    }

    // The shortest length that makes as few pieces as `longest` does.
    int length(int longest) const {
        if (longest >= whole()) return whole();
        int best = down(std::max(longest, needs.least()));
        if (best >= whole()) return whole();
        auto const count = pieces(best).size();
        while (best - needs.multiple >= needs.least() && pieces(best - needs.multiple).size() == count)
            best -= needs.multiple;
        return best;
    }
};

int longest_result(std::vector<piece> const& all) {
    int longest = 0;
    for (piece const& p : all) longest = std::max(longest, p.last - p.first);
    return longest;
}

} // namespace

upscale_tiles cut_into_tiles(upscale_part const& part, double scale, tile_needs const& needs, int longest) {
    side const y{part.from.y, part.from.height, part.to.y, part.to.bottom(), scale, needs};
    side const x{part.from.x, part.from.width, part.to.x, part.to.right(), scale, needs};
    upscale_tiles cut{.height = y.length(longest), .width = x.length(longest)};
    auto const rows = y.pieces(cut.height), columns = x.pieces(cut.width);
    cut.window_height = longest_result(rows);
    cut.window_width = longest_result(columns);
    for (piece const& v : rows)
        for (piece const& u : columns)
            cut.tiles.push_back({v.at, u.at, {u.first, v.first, u.last - u.first, v.last - v.first}});
    return cut;
}

} // namespace sfumato
