// Tensors that are computed from those of a file when they are read.
#pragma once

#include "models/files/checkpoint.h"

#include <functional>
#include <vector>

namespace sfumato {

/// Whether numbers_of() can read it: f32, f16 or bf16.
bool has_numbers(stored_tensor const&);
std::vector<float> numbers_of(stored_tensor const&);

/// f32; `numbers` is called each time that it is read: of all of a model they would be too much at once.
stored_tensor made_of(std::vector<std::int64_t> shape, std::function<std::vector<float>()> numbers);

} // namespace sfumato
