// The UNet of Stable Diffusion 1, 2 and XL: CompVis' and Stability's openaimodel.py and attention.py.
//
// Easy to get wrong: GroupNorm eps is 1e-5 in residual blocks and before the last convolution, 1e-6 before a
// transformer; the timestep's cosines come first; a skip is concatenated behind what runs; GEGLU's values come before
// its gates.
#pragma once

#include "models/nets/scope.h"
#include "models/networks/unet.h"

#include <map>
#include <string>

namespace sfumato {

/// What cross attention sees of a text, for each transformer block (by its path,
/// "input_blocks.1.1.transformer_blocks.0"): keys and values [n, 1, tokens, channels]. They depend on the text alone:
/// once a prompt, not once a step.
using cross_attention = std::map<std::string, std::pair<tensor, tensor>>;

/// w: at unet_prefix. context [n, 1, tokens, context_dim].
cross_attention unet_context(scope const& w, unet_config const&, tensor const& context);

/// SDXL's label: pooled [n, 1, 1, p] f32, and of each picture six numbers (height and width of the original, top and
/// left of the crop, height and width of the target) as [6n] f32 → [n, 1, 1, p + 6 · 256] f32.
tensor unet_label(graph&, tensor const& pooled, tensor const& time_ids);

struct unet_inputs {
    tensor x;        // [n, h, w, in_channels], any h and w
    tensor timestep; // [n] f32, may be fractional
    cross_attention context;
    std::optional<tensor> label; // [n, 1, 1, adm_in_channels]
    /// Of a ControlNet, of the shapes of what they are added to: one for each input block, where its skip is taken up,
    /// and one for the middle; or none.
    std::vector<tensor> residuals;
};
/// → [n, h, w, out_channels] f32, whatever is between.
tensor unet(scope const& w, unet_config const&, unet_inputs const&);

} // namespace sfumato
