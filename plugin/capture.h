// From the document to what a pipeline is given.
#pragma once

#include "plugin/document_state.h"
#include "plugin/layers.h"
#include "request/run.h"

namespace sfumato {

/// What a run reads: a copy of the active layer or of all that is visible, which stays as it is whatever the user does
/// meanwhile.
struct source_copy {
    loose_layer layer;
    rect extent;                // in image coordinates
    GimpLayer* above = nullptr; // the result belongs directly above it; null: on top of the stack
    document_state document;    // as it was read
};

/// Throws error, translated, when no layer can be added: indexed colours, or a floating selection.
void check_image(GimpImage*);

/// Throws error, translated, one sentence for each thing that stands in the way: the image's mode, a floating
/// selection, the wrong kind of layer. `drawables`: the active ones, null-terminated.
source_copy copy_source(GimpImage*, GimpDrawable* const* drawables, source);

/// The bounds of what is selected, in image coordinates; empty: nothing.
rect selected_box(GimpImage*);

/// That part of the selection that lies over the source; throws error, translated, when there is none.
rect selected_part(GimpImage*, source_copy const&);

struct captured {
    sfumato::request request; // its area: where the picture was taken, in image coordinates
    sfumato::picture picture;
    mask selection;             // of the same size
    GimpLayer* above = nullptr; // these two as of source_copy
    document_state document;
};

/// Reads the pixels around the selection, and the selection, as an inpainting `request` asks for; changes nothing.
/// Throws error as copy_source, and when nothing is selected.
captured capture(GimpImage*, GimpDrawable* const* drawables, request);

} // namespace sfumato
