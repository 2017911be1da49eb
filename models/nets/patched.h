// Adds what a LoRA has for a tensor (models/names/weight_patch.h) on the device.
#pragma once

#include "compute/ops.h"
#include "models/names/weight_patch.h"

#include <functional>
#include <span>

namespace sfumato {

/// Takes a matrix {.w = rows, .c = columns} of f32 that is made when it is read, and returns where it will lie.
using patch_upload = std::function<tensor(stored_tensor)>;

/// w of `shape`, the file's, with all of these: each changes w as it was given. f32, of w's extents. Throws error
/// naming the patch's file where one does not fit.
tensor patched(graph&, tensor const& w, std::vector<std::int64_t> const& shape, std::span<weight_patch const>,
               patch_upload const&);

} // namespace sfumato
