// The names that files of MI-GAN have → those of models/networks/migan.h: what stands before encoder. and synthesis.
// differs (nothing in its original files; where it was saved within a pipeline, model.).
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// What stands before the names of a MI-GAN's tensors; nothing where there is none.
std::optional<std::string> migan_wrapper_of(checkpoint const&);

/// The canonical name; "": what only spreads pixels, the same in every file, or not of MI-GAN.
std::string migan_name(std::string_view name, std::string_view wrapper);

} // namespace sfumato
