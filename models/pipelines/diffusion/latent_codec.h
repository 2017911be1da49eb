// Pictures to latents and back, whole or in tiles.
#pragma once

#include "models/nets/weight_store.h"
#include "models/networks/latent_format.h"
#include "models/networks/vae.h"
#include "request/job.h"
#include "request/picture.h"

#include <optional>
#include <vector>

namespace sfumato {

/// A latent of the denoiser's scale (latent_format), channels last.
struct latent {
    int height = 0, width = 0, channels = 0; // in cells
    std::vector<float> values;               // [height, width, channels]
};

struct pixel_size {
    int width = 0, height = 0;
    bool operator==(pixel_size const&) const = default;
};

/// A side of whole cells that holds `side` pixels.
inline int whole_cells(int side, int cell) { return (side + cell - 1) / cell * cell; }

/// How a picture is cut; tile 0: whole.
struct tiling {
    int tile = 0;    // side in cells
    int overlap = 8; // cells that neighbours share at least
    bool operator==(tiling const&) const = default;
};
/// Tiles of that side, with the overlap that goes with it: larger ones overlap more. 0: whole.
tiling tiles_of_side(int cells);
/// Cells of a tile of a latent.
struct tile_size {
    int height = 0, width = 0;
};
tile_size tile_of(int height, int width, tiling const&);
/// Where tiles begin along an extent: the last ends with it; neighbours share `overlap` cells or more.
std::vector<int> tile_starts(int extent, tiling const&);

/// One tile's graph.
struct codec_graph {
    graph g;
    tensor in, out;
};
codec_graph record_encode(target const&, weight_store&, vae_config const&, int height, int width, dtype storage);
codec_graph record_decode(target const&, weight_store&, vae_config const&, int height, int width, dtype storage);

/// Red, green, blue of `picture` (alpha is not looked at; 0 … 1, sides multiples of a cell's) → the latent's mean and
/// standard deviation: a sample is mean + deviation·n. Nothing: cancelled.
struct latent_distribution {
    latent mean, deviation;
};
std::optional<latent_distribution> encode_picture(device&, weight_store&, vae_config const&, picture const&,
                                                  tiling const&, dtype storage, job const&);

/// What a decoder made, [height, width, 3] in −1 … 1, as an opaque picture; not clamped.
picture picture_of(std::vector<float> const& decoded, int height, int width);

/// → a picture in 0 … 1, not clamped, opaque. Nothing: cancelled.
std::optional<picture> decode_latent(device&, weight_store&, vae_config const&, latent const&, tiling const&,
                                     dtype storage, job const&);

} // namespace sfumato
