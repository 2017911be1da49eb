// Enlarging a picture with a network, in tiles that fit the device's memory.
#pragma once

#include "models/job.h"
#include "models/pipelines/run.h"
#include "models/pipelines/upscale_model.h"
#include "models/pipelines/upscale_pass.h"
#include "models/pipelines/upscale_tiles.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sfumato {

class device;

/// What a run takes, decided before anything is allocated.
struct upscale_plan {
    upscale_tiles cut;
    dtype storage = dtype::f32;              // of activations
    std::uint64_t needed = 0, available = 0; // bytes on the device, at the peak; of which there could be had
    std::uint64_t pixels = 0;                // bytes of the pictures in the computer's memory …
    bool is_software = false;                // … which is the device's own
    beside_network more;
    bool is_repeated = false; // the network's values were too large for fp16

    /// "needs 0.9 GB, 5.6 GB free: 12 tiles of 512 × 480 pixels"
    std::string text() const;
};

/// The largest tiles that the device has memory for, none longer than `longest` pixels (0: as the device likes it).
/// `given`: the part's pixels; `shares_means`: as upscale_pass has it.
/// Throws error saying what is needed at least and what there is.
upscale_plan plan_upscale(device&, upscale_model&, picture const& given, upscale_part const&, double scale,
                          dtype storage, int longest, bool shares_means = false);

upscale_model& open_model(open_upscalers&, upscale_settings const&);

/// Enlarges the part of a picture that is given (run_input::part; its selection is not looked at), as upscale_settings
/// say: with the network as often as the scale asks for, then with Lanczos to the scale itself.
///   * The network sees colours within 0 … 1, in the precision of what it stores; the rest of them is enlarged with
///     Lanczos and added.
///   * It sees no hard edge where the picture is transparent: colours are continued there from opaque pixels. Where all
///     is transparent nothing is computed with it. Alpha goes through the network as a grey picture, and never beyond
///     what it is in the 3 × 3 pixels around.
///   * Where its values are too large for the 16 bits that the device likes, it goes over the part again, and from then
///     on, in fp32. Where the request names a type, that is taken.
/// `planned` is told once for each time that the network goes over the part. `liked`: instead of the type that the
/// device likes (target::storage). Nothing: cancelled. Throws error: no memory, device lost, or values that are no
/// numbers all the same.
std::optional<run_result> upscale(
    device&, upscale_model&, run_input const&, job const&,
    std::function<void(upscale_plan const&)> const& planned = [](upscale_plan const&) {},
    std::optional<dtype> liked = {});

} // namespace sfumato
