// Means over a whole picture of which the network gets one tile at a time.
//
// A network that takes in means (squeeze and excitation) computes each of them from what the ones before it did to the
// picture. So they are found one after the other: each tile that is looked at is run up to the next mean, with those of
// the whole picture that are known already, and what the tiles have of it is averaged. Means that each tile finds with
// its own ones before them would be others (tests/bench/LOG.md, 2026-11-25).
#pragma once

#include "models/pipelines/upscale/upscale_model.h"
#include "models/pipelines/upscale/upscale_pass.h"
#include "models/pipelines/upscale/upscale_reader.h"
#include "request/job.h"

#include <vector>

namespace sfumato {

/// Whether the tiles get means of the whole picture. `shares_means`: with other parts of it.
bool needs_means(upscaler_shape const&, upscale_tiles const&, bool shares_means);

/// The tiles that means are found from: those with something to see, of many some that lie spread over the picture.
std::vector<upscale_tile> tiles_to_look_at(upscale_tiles const&, tile_reader const&);

class search_for_means {
  public:
    /// Of what is missing in `means`, and can be found: those of colours where there is something to see, those of
    /// alpha where that is uneven. All outlive it; the network's weights are loaded.
    search_for_means(device&, upscale_model&, upscale_tiles const&, dtype storage, tile_reader&, network_means& means);

    double work() const; // as graph::work() has it
    /// False: cancelled. Throws overflow.
    bool run(job const&);

  private:
    // What is looked at in a tile, and the means of it.
    struct subject {
        std::vector<float> (*values_of)(picture const&);
        std::vector<std::vector<float>>& means;
    };
    bool find_next(tile_graph, job const&);

    device& device_;
    tile_reader& reader_;
    std::vector<upscale_tile> tiles_;
    std::vector<subject> subjects_;
    std::vector<tile_graph> graphs_; // one for each mean
};

} // namespace sfumato
