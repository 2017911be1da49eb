// PyTorch's files since 1.6: a zip archive with a pickle of the names and one file for each storage of numbers.
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/mapped_file.h"

namespace sfumato {

/// As torch_checkpoint() has it (models/files/torch_tensors.h). Nothing of the file is executed. Throws error.
checkpoint read_torch_zip(mapped_file const&, std::string const& source);

} // namespace sfumato
