// Weights of 8 bits with one factor a tensor, as ComfyUI's files have them: beside X.weight (fp8) lies X.scale_weight
// or X.weight_scale (f32, one number), and the weight is their product. What is beside that for kernels that compute in
// fp8 (X.scale_input, X.input_scale, X.comfy_quant, scaled_fp8) says nothing of the weights.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// Makes halves of them, each the nearest to its product, and takes away what is beside them. What has another form
/// stays as it is (holds_other_scales). Throws error: a factor that is no number, or too large for halves.
void apply_fp8_scales(checkpoint&);

/// There are factors still: per channel or block, or of other numbers than fp8.
bool holds_other_scales(checkpoint const&);

} // namespace sfumato
