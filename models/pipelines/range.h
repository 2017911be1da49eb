// Numbers that 16 bits do not hold.
#pragma once

#include "compute/error.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace sfumato {

/// A network computed what is no number: more than what is stored can hold, or so the driver has it.
struct overflow : error {
    using error::error;
};

/// Throws overflow unless all are numbers.
inline void check_numbers(std::span<float const> values) {
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); }))
        throw overflow(say("The network computed values that are no numbers."));
}

} // namespace sfumato
