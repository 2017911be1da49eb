// The LoRAs of a request: found, opened, and added to its model.
#pragma once

#include "models/pipelines/diffusion/diffusion_model.h"
#include "request/request.h"

#include <functional>

namespace sfumato {

/// The request as its recipe has it: what its prompt says of LoRAs stands in its list of them, with the hash of each
/// file; one that the prompt names and that is nowhere is left out with a warning, as A1111 does. The model gets them
/// all, in place of those that it had. Throws error: a file of the list is not there, is no LoRA, not one for this
/// model, or not the one that the recipe was made with.
request add_loras(request, diffusion_model&, std::function<void(std::string const&)> const& warned);

} // namespace sfumato
