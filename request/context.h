// Which part of a picture an inpaint needs to see. Callers crop to it before they send pixels, so that a small
// selection in a huge picture costs little.
#pragma once

#include "request/picture.h"
#include "request/request.h"

namespace sfumato {

/// The context box of a selection in a canvas of width × height pixels. Always contains `selection`, clipped to the
/// canvas; shifted rather than shrunk at the borders.
rect context_box(request const&, rect const& selection, int width, int height);

/// How far the object that a rough selection lies on may go on beyond it: pixels.
int reach_of_object(rect const& selection);

/// How many pixels a diffusion model's result may spill past the selection: as the request says, or by the selection's
/// size.
int edge_of(request const&, rect const& selection);

} // namespace sfumato
