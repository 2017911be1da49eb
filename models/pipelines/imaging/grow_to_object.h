// A rough selection or a brush stroke becomes the object that it lies on: it grows up to where the colours are rather
// those of the surroundings, along edges where there are some (C. Rother et al., "GrabCut", SIGGRAPH 2004).
#pragma once

#include "models/pipelines/picture_pass.h"

namespace sfumato {

/// What is selected, and the rest of the object within reach_of_object() of it, without holes, and a little more, so
/// that nothing of its rim stays. Nothing: cancelled. Throws error where nothing is selected.
std::optional<mask> grow_to_object(device&, shelf const&, picture const& context, mask const& selection, job const&);

} // namespace sfumato
