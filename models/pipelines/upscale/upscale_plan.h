// What an enlargement takes, decided before anything is allocated: how often the network goes over it, and in which
// tiles.
#pragma once

#include "compute/sentence.h"
#include "models/pipelines/upscale/upscale_model.h"
#include "models/pipelines/upscale/upscale_pass.h"
#include "models/pipelines/upscale/upscale_tiles.h"

#include <cstdint>
#include <vector>

namespace sfumato {

class device;

/// One pass of the network over a part. Its result is the final one, or what the next pass begins with.
struct upscale_step {
    upscale_part part;
    double scale = 1; // at most the network's own, where that is above 1; Lanczos makes less of it
};
/// A network that enlarges does so again and again until the scale is reached.
std::vector<upscale_step> steps_of(upscale_part, upscaler_shape const&, double scale);

/// Of one step.
struct upscale_plan {
    upscale_tiles cut;
    dtype storage = dtype::f32;              // of activations
    std::uint64_t needed = 0, available = 0; // bytes on the device: at the peak; free
    std::uint64_t pixels = 0;                // bytes of the pictures in the computer's memory …
    bool is_software = false;                // … which is the device's own
    beside_network more;
    bool is_repeated = false; // the network's values were too large for fp16

    /// "needs 0.9 GB, 5.6 GB free: 12 tiles of 512 × 480 pixels"
    sentence text() const;
};

/// The largest tiles that the device has memory for, none longer than `longest` pixels (0: as the device likes it).
/// `is_one_of_several`: there are other parts, so means are shared, and the pixels of the next and of the one before
/// are in memory, too. Throws error saying what is needed at least and what there is.
upscale_plan plan_upscale(device&, upscale_model&, beside_network const&, upscale_part const&, double scale,
                          dtype storage, int longest, bool is_one_of_several = false);

} // namespace sfumato
