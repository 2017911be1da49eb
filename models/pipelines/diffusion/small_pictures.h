// Models of small pictures, as sfumato-draw's of 128 × 128, are asked for larger ones, too: Sfumato's own upscaler
// makes those of what they make.
#pragma once

#include "models/pipelines/diffusion/latent_codec.h"
#include "request/job.h"
#include "request/picture.h"

#include <optional>

namespace sfumato {

class device;
class upscale_model;

constexpr int smallest_side = 64; // pixels of what a model makes

/// By how much a picture is enlarged that has this size in the end: 1, 2, 4, 8 or 16, so that the model, trained on
/// squares of `native` pixels, makes about as many, and no side below smallest_side; 1 where it makes large ones itself
/// (request/model_summary.h).
int enlargement_for(pixel_size asked, int native);

/// Operations, about.
double work_of_enlarging(pixel_size small, int factor);

/// Each pixel the mean of factor × factor, of which transparent ones have no colour; the border is repeated where that
/// is not enough.
picture shrunk(picture const&, int factor);

/// With Sfumato's upscaler for that factor (resolve), `storage` for activations. Nothing: cancelled. Throws error: no
/// memory, device lost.
std::optional<picture> enlarged(device&, upscale_model&, picture const& small, int factor, std::optional<dtype> storage,
                                job const&);

} // namespace sfumato
