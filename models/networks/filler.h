// The networks that fill holes without words.
#pragma once

#include "models/networks/lama.h"
#include "models/networks/migan.h"

#include <variant>

namespace sfumato {

using filler_config = std::variant<lama_config, migan_config>;

} // namespace sfumato
