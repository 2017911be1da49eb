// From a result of inpainting to a layer of the document.
#pragma once

#include "models/pipelines/run.h"

#include <libgimp/gimp.h>

namespace sfumato {

/// Adds `result` as a layer with a layer mask directly above `layer` (null or gone meanwhile: on top), at its place in
/// the image, in the image's precision and profile; one undo step. The layers that were active stay active.
/// Throws error, translated, when GIMP refuses; the image is then as it was.
GimpLayer* deliver(GimpImage*, GimpLayer* layer, request const&, run_result const& result);

} // namespace sfumato
