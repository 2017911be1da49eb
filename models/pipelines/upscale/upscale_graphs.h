// What is computed of a tile of an enlargement, as graphs.
#pragma once

#include "compute/error.h"
#include "compute/graph.h"
#include "models/pipelines/range.h"
#include "models/pipelines/upscale/upscale_model.h"
#include "models/pipelines/upscale/upscale_tiles.h"
#include "request/job.h"

#include <optional>
#include <span>
#include <vector>

namespace sfumato {

struct tile_graph {
    graph g;
    tensor in, out;               // [h, w, 3] f32
    std::optional<tensor> origin; // [2], of resize_window: where in the network's result (else in `in`) `out` begins
    std::vector<tensor> means;    // inputs, of whole_means
};

/// in: the tile and the network's margin around it, 0 … 1 → out: what the network makes of it, resized to the window's
/// size where the scale is not the network's. `with_means`: the network gets those of the whole picture as `means`.
tile_graph record_network(target const&, weight_store&, upscale_model const&, upscale_tiles const&, double scale,
                          dtype storage, bool with_means);

/// For each mean that the network takes in of the whole picture: of a tile and those before it → it, as `out`.
std::vector<tile_graph> record_means(target const&, weight_store&, upscale_model const&, upscale_tiles const&,
                                     dtype storage);

/// The tile without a margin → the window of it, with Lanczos.
tile_graph record_enlarge(target const&, upscale_tiles const&, double scale);

struct colour_graph {
    graph g;
    tensor in, weights; // [h, w, 4]: the tile and the margin; [h, w]: 1 where it has a colour, else 0
    tensor out;         // [h, w, 4]: colours everywhere
};
colour_graph record_continue_colours(target const&, upscaler_shape const&, upscale_tiles const&);

/// False: cancelled.
bool run_graph(plan&, job const&);

} // namespace sfumato
