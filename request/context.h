// Which part of a picture a fill needs to see. Callers crop to it before they send pixels, so that a small selection
// in a huge picture costs little.
#pragma once

#include "request/picture.h"
#include "request/request.h"

namespace sfumato {

/// The context box of a selection in a canvas of width × height pixels. Always contains `selection`, clipped to the
/// canvas; shifted rather than shrunk at the borders.
rect context_box(rect const& selection, int width, int height, context);

} // namespace sfumato
