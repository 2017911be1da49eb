// The files of a batch's pictures.
#pragma once

#include "pictures/result.h"

#include <string>
#include <vector>

namespace sfumato {

/// OUT, or for several pictures OUT-1, OUT-2 … before the ending. Throws error when one of them cannot be written.
std::vector<std::string> names_of_pictures(std::string const& out, int count, result_size const&);

} // namespace sfumato
