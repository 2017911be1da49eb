// Models that are known by a name in them and cannot be run yet.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// "FLUX", "LoRA" …; "" where no tensor tells of one.
std::string_view other_family(checkpoint const&);

} // namespace sfumato
