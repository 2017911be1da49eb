// The tensors of PyTorch's files, old and new: what a pickle says of them, and where their numbers are.
#pragma once

#include "models/files/mapped_file.h"
#include "models/files/pickle.h"

namespace sfumato {

/// Every tensor in the pickle's dictionaries; of state_dict, params_ema or params alone where there is one. Contiguous
/// tensors are mapped, others are gathered when they are read. `storage_of`: the bytes of the storage of a tensor.
/// metadata "pro": true where there is something else of this name (Real-CUGAN's). Throws error: a tensor does not fit
/// into its storage.
checkpoint torch_checkpoint(pickled, std::string format, mapped_file const&, std::string const& source,
                            std::function<std::span<std::byte const>(pickled_tensor const&)> const& storage_of);

} // namespace sfumato
