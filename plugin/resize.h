// A picture in another size, on the CPU: for what is shown, and for what a model makes smaller or larger than its
// place.
#pragma once

#include "request/picture.h"

namespace sfumato {

/// In exactly that size: scaled so that it covers it, by Catmull–Rom splines, wider ones where it becomes smaller; what
/// is too much is cut off on both sides alike.
picture cover(picture const&, int width, int height);

} // namespace sfumato
