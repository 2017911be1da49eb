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
    rect extent;             // in image coordinates
    document_state document; // as it was read; the result belongs above its source
};

// All of these throw error, one sentence for each thing that stands in the way.

/// When no layer can be added: indexed colours, or a floating selection.
void check_image(GimpImage*);

/// When the selection is painted on at the moment, and is none.
void check_quick_mask(GimpImage*);

/// When nothing is selected.
void check_selection(GimpImage*);

/// The layer that is read, null for all that are visible: when there is none, or it has no pixels of its own.
/// `drawables`: the active ones, null-terminated.
GimpLayer* check_source(GimpImage*, GimpDrawable* const* drawables, source);

source_copy copy_source(GimpImage*, GimpDrawable* const* drawables, source);

/// The bounds of what is selected, in image coordinates; empty: nothing.
rect selected_box(GimpImage*);

/// That part of the selection that lies over the source.
rect selected_part(GimpImage*, source_copy const&);

struct captured {
    sfumato::request request;
    rect area;                           // where the picture was taken and the result will lie, in image coordinates
    sfumato::picture picture;            // of its size; of txt2img none
    mask selection;                      // … of img2img and txt2img none where all of it is selected
    document_state document;             // as of source_copy
    bool keeps_recipe = true;            // the result carries how it was made
    std::optional<underlay> on{};        // what it will lie on; of txt2img, or without a recipe, nothing
    std::optional<std::string> device{}; // that makes it, as run_input has it
};

/// What an inpaint fills.
enum class reach {
    selection, // what is selected of the source
    beyond,    // … and what is selected past its edge
    empty,     // whatever is selected: where the canvas can be seen through the source
};

/// Where the canvas can be seen through the source, in cells: 256 of them a side at most. Throws error like
/// copy_source().
mask look_for_empty(GimpImage*, GimpDrawable* const* drawables, source);

/// Of `frame`, what a run needs to see to fill `hole`; all in image coordinates.
rect seen_of(rect const& frame, request const&, rect const& hole);

// All of these change nothing. Pixels that are no numbers are unknown: transparent.

/// What the request's operation, none but an upscale, reads.
captured capture(GimpImage*, GimpDrawable* const* drawables, request, bool keeps_recipe, reach = reach::selection);

} // namespace sfumato
