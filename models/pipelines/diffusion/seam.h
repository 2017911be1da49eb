// What a model made, fitted into what was there, so that no one sees where it begins: its tone is matched to the
// surroundings, and what is left of the difference on the rim is carried smoothly inwards, as a membrane would.
#pragma once

#include "models/pipelines/diffusion/inpaint_masks.h"

namespace sfumato {

/// `made`, of the same size as `given`; where nothing of it is seen it is `given`, bit for bit. What is selected
/// becomes opaque. Nothing: cancelled.
std::optional<picture> fit(device&, shelf const&, picture const& given, picture made, mask const& selection,
                           inpaint_masks const&, job const&);
/// What that takes on the device, at most: bytes.
std::uint64_t bytes_of_fit(device&, mask const& denoise);

} // namespace sfumato
