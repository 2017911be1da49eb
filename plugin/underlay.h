// What lies under a result, where its run saw it: so that a layer can be told whose surroundings have changed since.
#pragma once

#include "plugin/layers.h"

#include <optional>
#include <string>

namespace sfumato {

/// Of a copy of all that is visible, or of a part of it: a hash of its pixels with 16 bits a channel. `area`: in image
/// coordinates, within the canvas.
underlay underlay_of(GimpLayer* visible, rect const& area);

/// What a result on `source` will have under it: the source, the results that already lie on it, and all that lies
/// below. Nothing: GIMP could not copy it.
std::optional<underlay> underlay_on(GimpImage*, GimpLayer* source, operation, rect const& area);

/// Whether what the layer's recipe says of what lies under it is no longer so. Results that were made from the same
/// pixels do not count. False, too, where the recipe says nothing of it, or it cannot be seen any more: the canvas has
/// become smaller.
bool is_outdated(GimpLayer*);

} // namespace sfumato
