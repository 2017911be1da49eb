// From a result of inpainting to a layer of the document.
#pragma once

#include "plugin/capture.h"

namespace sfumato {

/// Adds `result` as a layer with a layer mask, at its place in the image, in the image's precision and profile; one
/// undo step. It lies on top of what it covers (insert_layer). The layers that were active stay active. Throws error
/// when the image has changed so that the result does not fit, or GIMP refuses; the image is then as it was.
GimpLayer* deliver(GimpImage*, captured const& from, run_result const& result);

} // namespace sfumato
