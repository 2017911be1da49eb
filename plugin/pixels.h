// GIMP drawables ⇄ pictures and masks, in any precision, colour mode and profile. Areas are in the drawable's own
// pixels.
#pragma once

#include "request/picture.h"

#include <libgimp/gimp.h>

namespace sfumato {

picture read_picture(GimpDrawable*, rect const& area, colours = colours::document);
mask read_mask(GimpDrawable*, rect const& area); // of a selection, a channel or a layer mask

/// How opaque it is, in `scale` ≤ 1 of its size.
mask read_opacity(GimpDrawable*, rect const& area, double scale);

void write_picture(GimpDrawable*, int x, int y, picture const&, colours = colours::document); // its first at (x, y)
void write_mask(GimpDrawable*, int x, int y, mask const&);

} // namespace sfumato
