// From an enlarged layer to the document.
#pragma once

#include "plugin/capture.h"

namespace sfumato {

/// What becomes of the result: a layer, and the image is scaled to match it; an image of its own; a layer.
enum class target { image, new_image, layer };

struct upscale_run {
    sfumato::request request;
    sfumato::target target = target::image;
    source_copy from;       // its layer mask, if in use: where the result shows
    rect area;              // of the source that is enlarged, in image coordinates
    bool is_masked = false; // the result shows only where the selection is
    sentence name;          // of the result and its undo step
    loose_layer made;
};

/// Where a rectangle of an image comes to lie when the image is enlarged.
rect scaled(rect const&, double scale);

// Both return the new layer, and throw error when the image has changed so that the result does not fit,
// or GIMP refuses. The result shows where the source did, as opaque as the source was when it was read: with its layer
// mask, enlarged. It is visible, even where the source is not.

/// The layer alone as an image in the mode, precision, profile and resolution of `like`; in mode Normal, since there is
/// nothing below it.
GimpLayer* deliver_as_image(upscale_run&, GimpImage* like);

/// Into the image that was read, in one undo step. A source that is seen through (alpha, a layer mask, opacity, a blend
/// or composite mode) is hidden, even if its visibility is locked, and the result takes its place and is blended like
/// it: under it, it would be seen twice. Behind the selection's mask the source stays as it is, and the result lies
/// over it, opaque. Nothing is changed when this throws; only if GIMP takes the layer no more after it has scaled the
/// image, which nothing is known to bring about, the image is scaled, and the error says how to go back.
GimpLayer* deliver_as_layer(upscale_run&, GimpImage*);

} // namespace sfumato
