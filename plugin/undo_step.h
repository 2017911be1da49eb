// What GIMP takes back at once.
#pragma once

#include "compute/sentence.h"

#include <libgimp/gimp.h>

#include <functional>

namespace sfumato {

/// Does `what` as one step of the image's undo history, which is called `name` there, in the user's language; the items
/// that were active stay active. Throws what it throws, and error when GIMP refuses.
void as_undo_step(GimpImage*, sentence const& name, std::function<void()> const& what);

} // namespace sfumato
