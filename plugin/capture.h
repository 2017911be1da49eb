// From the document to what a pipeline is given: the pixels around the selection, and the selection.
#pragma once

#include "models/pipelines/run.h"

#include <libgimp/gimp.h>

namespace sfumato {

struct captured {
    run_input input;            // request.area: where the picture was taken, in image coordinates
    GimpLayer* layer = nullptr; // the result belongs directly above it; null: on top of the stack
};

/// Reads the pixels that `request` asks for; changes nothing. Throws error, translated, one sentence for each thing
/// that stands in the way: nothing selected, the wrong kind of layer, a selection elsewhere, … `drawables`: the active
/// ones, null-terminated.
captured capture(GimpImage*, GimpDrawable* const* drawables, request);

} // namespace sfumato
