// What stands in the hole before a model makes it anew, since a little of it always shows through: its colours.
#pragma once

#include "models/pipelines/diffusion/inpaint_masks.h"
#include "request/request.h"

namespace sfumato {

/// Without words, and where nothing of the picture is kept, the surroundings shall go on.
bool goes_on(request const&);

/// Which hole, and how it is filled.
struct prefill_plan {
    mask hole;             // 1 or 0; all 0: what is there shall be changed
    bool goes_on = false;  // from the surroundings; else smoothly
    std::string lama = {}; // the network that does so; empty: patches do
};
/// Nothing is filled where the request keeps something of the picture. With a prompt something new is wanted, so the
/// fill is smooth. The request's `prefill` is decided.
prefill_plan plan_prefill(request const&, picture const& context, inpaint_masks const&);

/// The context without holes: opaque, 0 … 1, as a model is shown it. What is transparent is filled smoothly, with grey
/// where nothing is known. Nothing: cancelled.
std::optional<picture> prefill(device&, shelf&, request const&, picture const& context, prefill_plan const&,
                               job const&);
/// What that takes on the device: bytes.
std::uint64_t bytes_of_prefill(device&, shelf&, request const&, picture const& context, prefill_plan const&);

} // namespace sfumato
