// What a network is shown of a picture, tile by tile.
#pragma once

#include "models/pipelines/upscale/upscale_graphs.h"
#include "request/job.h"
#include "request/picture.h"

#include <optional>
#include <vector>

namespace sfumato {

class device;

struct alpha_range {
    float least = 1, most = 1;

    bool is_clear() const { return most <= 0; }     // there is nothing to see
    bool has_clear() const { return least <= 0; }   // in a pixel at least
    bool is_uneven() const { return least < most; } // the network goes over alpha, too
};
alpha_range range_of_alpha(picture const&, rect const&);

/// A tile and the network's margin around it. Colours are continued where it is transparent, unless all of it is.
struct seen_tile {
    picture pixels;
    alpha_range alpha;
};

class tile_reader {
  public:
    /// `given` outlives it. `continues_colours`: it has transparent pixels.
    tile_reader(device&, upscaler_shape const&, picture const& given, upscale_tiles const&, bool continues_colours);

    std::optional<seen_tile> see(upscale_tile const&, job const&); // nothing: cancelled
    alpha_range alpha_of(upscale_tile const&) const;               // of what is seen
    picture as_it_is(upscale_tile const&) const;                   // without the margin

  private:
    struct continuation {
        continuation(device&, colour_graph);
        colour_graph graph;
        plan run;
    };

    picture read(upscale_tile const&, int margin) const;
    bool continue_colours(picture&, job const&);

    int const margin_, height_, width_; // of a tile
    picture const& given_;
    std::optional<continuation> continuation_;
};

/// [h, w, 3] of what `value` makes of each pixel's channel; all but `margin` pixels at each side.
template <class F> std::vector<float> planes(picture const& p, F value, int margin = 0) {
    std::vector<float> all;
    all.reserve(3 * std::size_t(p.height - 2 * margin) * std::size_t(p.width - 2 * margin));
    for (int y = margin; y < p.height - margin; ++y)
        for (int x = margin; x < p.width - margin; ++x)
            for (int c = 0; c < 3; ++c)
                all.push_back(value(&p.pixels[4 * (std::size_t(y) * std::size_t(p.width) + std::size_t(x))], c));
    return all;
}

/// What the network gets: [h, w, 3], 0 … 1. Alpha is a grey picture.
std::vector<float> colours_of(picture const&);
std::vector<float> alpha_of(picture const&);

} // namespace sfumato
