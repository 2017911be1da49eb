// From a result of inpaint, img2img or txt2img to a layer of the document.
#pragma once

#include "plugin/capture.h"

namespace sfumato {

/// What the result is called, as a layer and in the undo history.
sentence name_of_result(request const&);

/// The result as a layer at its place in the image, in the image's precision and profile, with a layer mask where
/// something of it is not seen; not yet part of the image.
loose_layer make_result_layer(GimpImage*, captured const& from, run_result const& result);

/// Adds `result`, of run_captured(), as a layer; one undo step. It lies on top of what it covers (insert_layer). The
/// layers that were active stay active. Throws error when the image has changed so that the result does not fit, or
/// GIMP refuses; the image is then as it was.
GimpLayer* deliver(GimpImage*, captured const& from, run_result const& result);

} // namespace sfumato
