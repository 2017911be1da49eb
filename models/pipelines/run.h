// What a run of a pipeline is given and what it gives back, whichever operation: what travels between the plug-in and
// the engine.
#pragma once

#include "models/picture.h"
#include "models/pipelines/upscale_parts.h"
#include "models/request.h"

namespace sfumato {

struct run_input {
    sfumato::request request;
    sfumato::picture picture;
    mask selection;    // of inpaint: the picture's size; of upscale: none (0 × 0)
    upscale_part part; // of upscale: what of a larger picture this is
};

/// A rectangle to put back as a layer.
struct run_result {
    int x = 0, y = 0; // of inpaint: where in the picture that was given; of upscale: 0, the pixels of part.to
    picture filled;   // of inpaint: where `composite` is 0 they equal the given ones bit for bit
    mask composite;   // of inpaint: same size; full inside the selection, soft at the rim, 0 elsewhere. Else none
};

} // namespace sfumato
