// GIMP drawables ⇄ pictures and masks, in any precision, colour mode and profile. Areas are in the drawable's own
// pixels.
#pragma once

#include "models/picture.h"

#include <libgimp/gimp.h>

namespace sfumato {

picture read_picture(GimpDrawable*, rect const& area);
mask read_mask(GimpDrawable*, rect const& area); // of a selection, a channel or a layer mask

void write_picture(GimpDrawable*, picture const&); // the whole drawable, which has the picture's size
void write_mask(GimpDrawable*, mask const&);

} // namespace sfumato
