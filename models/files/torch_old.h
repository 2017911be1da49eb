// PyTorch's files before 1.6, which many upscalers still are: five pickles one behind the other (a magic number, the
// format's version, facts of the machine, the names, the keys of the storages), then each storage: its length and its
// numbers.
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/mapped_file.h"

namespace sfumato {

bool is_old_torch_file(std::span<std::byte const> bytes);

/// As read_torch_zip. Throws error.
checkpoint read_old_torch_file(mapped_file const&, std::string const& source);

} // namespace sfumato
