// The network in the middle of a diffusion model, whichever it is: what depends on the prompts alone is computed once,
// the rest in every step.
#pragma once

#include "models/nets/scope.h"
#include "models/networks/mmdit.h"
#include "models/networks/unet.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sfumato {

using denoiser_config = std::variant<unet_config, mmdit_config>;

struct denoiser_shape {
    int in_channels = 4, out_channels = 4; // of x and what is shown beside it; of what comes out
    int context_channels = 768;            // of a prompt's tokens
    int pooled_channels = 0;               // of a prompt as a whole; 0: it is told nothing of it
    int sizes = 0;                         // numbers that it is told of a picture's size
    int multiple = 1;                      // heights and widths are multiples of this
};
denoiser_shape shape_of(denoiser_config const&);

/// What it is told of n pictures.
struct conditioning_tensors {
    tensor context;                      // [n, 1, tokens, context_channels]
    std::optional<tensor> pooled, sizes; // where it takes them: [n, 1, 1, pooled_channels] and [n · sizes] f32
};
/// Tensors by name, which stay the same in all steps.
using prepared_prompts = std::map<std::string, tensor>;

/// w: at unet_prefix.
prepared_prompts prepare(scope const& w, denoiser_config const&, conditioning_tensors const&);

struct denoiser_inputs {
    tensor x;        // [n, h, w, in_channels]
    tensor timestep; // [n] f32, may be fractional
    prepared_prompts prompts;
    std::vector<tensor> residuals{}; // of a control network, as unet_inputs has them; none: there is none
};
/// → [n, h, w, out_channels] f32
tensor evaluate(scope const& w, denoiser_config const&, denoiser_inputs const&);

} // namespace sfumato
