// Enlarging a picture of any size with a network: read, computed and given away part by part, and each part in tiles
// that fit the device's memory.
#pragma once

#include "models/pipelines/upscale/upscale_plan.h"
#include "request/job.h"
#include "request/run.h"

#include <functional>
#include <optional>
#include <vector>

namespace sfumato {

class device;

/// `file`: the settings' model, if it is open already.
upscale_model& open_upscaler(shelf&, upscale_settings const&, std::shared_ptr<checkpoint const> file = {});

/// An upscale of the client's "picture". The part in the middle comes first, then the others row by row; while one is
/// computed, the client may read the next. False: cancelled.
///   * The network goes over the picture as often as the scale asks for; Lanczos then makes it of that scale.
///   * The network sees colours within 0 … 1, in the precision of what it stores; the rest of them is enlarged with
///     Lanczos and added.
///   * It sees no hard edge where the picture is transparent: colours are continued there from opaque pixels. Where all
///     is transparent nothing is computed with it. Alpha goes through the network as a grey picture, and never beyond
///     what it is in the 3 × 3 pixels around.
///   * Where its values are too large for the 16 bits that the device likes, it goes over the part again, and over the
///     run's other parts, in fp32. Where the request names a type, that is taken.
/// Throws error: no memory, device lost, or values that are no numbers all the same.
bool upscale(device&, upscale_model&, run_input const&, run_client&, job const&);

/// What its largest part would take, were the picture opaque.
run_plan plan_of_upscale(device&, upscale_model&, run_input const&);

// ---- One part of it

/// What a run's parts have in common: each adds what it finds.
struct common_to_parts {
    /// Of each time that the network goes over the picture; nothing: there is but one part, which is the whole picture.
    std::optional<std::vector<network_means>> means;
    std::optional<dtype> storage; // of activations; nothing: as the request has it, or as the device likes it
};

/// The pixels of part.from → those of part.to. `planned` is told before each step. Nothing: cancelled.
std::optional<picture> upscale_one_part(
    device&, upscale_model&, upscale_settings const&, picture const& given, upscale_part const&, common_to_parts&,
    job const&, std::function<void(upscale_plan const&)> const& planned = [](upscale_plan const&) {});

} // namespace sfumato
