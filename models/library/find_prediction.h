// Whether a UNet predicts the noise or v.
#pragma once

#include "models/library/stated_facts.h"
#include "models/networks/unet.h"

namespace sfumato {

struct found_prediction {
    sfumato::prediction type = sfumato::prediction::epsilon;
    std::string reason; // a clause
};

/// `chosen` by the user, else what a .yaml says that was put beside the file, else a tensor "v_pred", else what the
/// file says of itself, else, for Stable Diffusion 2, a statistic that tells the models trained on v at 768 pixels from
/// the base models: the standard deviation of the bias of output_blocks.11.1.transformer_blocks.0.norm1 (as ComfyUI
/// does).
found_prediction find_prediction(checkpoint const&, unet_config const&, stated_facts const&,
                                 std::optional<sfumato::prediction> chosen);

} // namespace sfumato
