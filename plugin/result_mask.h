// The layer mask through which an enlarged layer shows.
#pragma once

#include "plugin/layers.h"

namespace sfumato {

GimpLayerMask* mask_in_use(GimpLayer*); // null: none, or it is switched off

/// The layer mask of `copy`, which is no part of the image, becomes the selection as it is now, within the mask that
/// the copy has in use, and is in use. `area`: where it matters, in image coordinates, within the copy.
void mask_by_selection(GimpLayer* copy, rect const& area, GimpImage*);

/// Gives `made` the layer mask `from` of the layer `of`, whose `area` (in image coordinates) it has in `scale` times
/// the size; bilinear. Throws error when GIMP refuses.
void add_enlarged_mask(GimpLayer* made, GimpLayerMask* from, GimpLayer* of, rect const& area, double scale);

} // namespace sfumato
