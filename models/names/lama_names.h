// The names that files of LaMa have → those of models/networks/lama.h. All are the original code's; what stands before
// them differs: generator.model.N (the training's .ckpt), model.generator.model.N (big-lama.pt), model.model.N.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// What stands before lama_prefix in the names of a LaMa's tensors; nothing where there is none.
std::optional<std::string> lama_wrapper_of(checkpoint const&);

/// The canonical name; "": what training counts (num_batches_tracked), or not of the generator.
std::string_view lama_name(std::string_view name, std::string_view wrapper);

} // namespace sfumato
