// PyTorch's files since 1.6: a zip archive with a pickle of the names and one file for each storage of numbers.
#pragma once

#include "models/weights/checkpoint.h"
#include "models/weights/mapped_file.h"

namespace sfumato {

/// Every tensor in the pickle's dictionaries; of state_dict or params_ema alone where there is one. Contiguous tensors
/// are mapped, others are gathered when they are read. Nothing of the file is executed. Throws error.
checkpoint read_torch_zip(mapped_file const&, std::string const& source);

/// Throws the error that says what to do about a file in the format before 1.6, if this is one.
void refuse_old_torch_file(std::span<std::byte const>, std::string const& source);

} // namespace sfumato
