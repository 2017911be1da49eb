// A part of a square table of positions: the whole is far larger than what a picture needs of it.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// [1, side², c] → its middle h × w rows, [h · w, c], read when they are wanted; from row (side − h) / 2 on and column
/// (side − w) / 2, rounded down. Throws error, naming the tensor and its file: it is no such table, it is smaller, or
/// is stored in blocks across its rows.
stored_tensor window_of(stored_tensor const&, std::string_view name, std::string const& source, int h, int w);

} // namespace sfumato
