// Models that are known by the names of their tensors, and cannot be run: the user reads what it is that he has.
#pragma once

#include "models/files/checkpoint.h"

#include <array>
#include <span>

namespace sfumato {

struct named_family {
    std::string_view name;                 // "FLUX", "upscaler (DAT)"
    std::array<std::string_view, 2> parts; // each is a part of some tensor's name; "": no second one is needed
};

/// In the order in which they are looked for: where two fit, the first is right. docs/model-files.md lists them.
std::span<named_family const> named_families();

/// "" where no tensors tell of one.
std::string_view named_family_of(checkpoint const&);

/// The same of what is a part of something larger as a rule, and only where no network that can be run was found.
std::string_view named_part_of(checkpoint const&);

} // namespace sfumato
