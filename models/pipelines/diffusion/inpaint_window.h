// What a model sees of an inpaint's context, and in which size: pictures that it is too small or too large for are
// scaled to what it was trained on, and back.
#pragma once

#include "models/pipelines/diffusion/latent_codec.h"
#include "models/pipelines/shelf.h"
#include "request/choices.h"

namespace sfumato {

struct inpaint_window {
    pixel_size context;     // of the document
    pixel_size seen;        // by the model: whole cells
    bool is_scaled = false; // else the context lies in the first pixels, and its border is repeated
};

/// `asked`: 0: as fits a model that was trained on squares of `native` pixels a side, or as the other side says.
inpaint_window window_of(pixel_size context, pixel_size asked, int native, int cell);

/// Of the context's mask, what each of the latent's cells takes: [height, width] of `seen` in cells.
std::vector<float> latent_mask(mask const&, inpaint_window const&, int cell, mask_cells);

// Nothing: cancelled.
std::optional<picture> to_model(device&, shelf const&, picture const& context, inpaint_window const&, job const&);
std::optional<picture> from_model(device&, shelf const&, picture const& made, inpaint_window const&, job const&);
/// What these take on the device: bytes.
std::uint64_t bytes_to_model(device&, inpaint_window const&);
std::uint64_t bytes_from_model(device&, inpaint_window const&);

} // namespace sfumato
