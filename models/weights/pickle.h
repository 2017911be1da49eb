// Reads a Python pickle as PyTorch writes one, without Python and without running anything: names of classes and
// functions are only names. A few of them are known to stand for tensors and dictionaries (pickle.cpp lists them); what
// any other makes is an object of which nothing is known. Opcodes of protocols 2 to 5 (CPython's pickletools).
#pragma once

#include "models/weights/checkpoint.h"

namespace sfumato {

/// A tensor as the pickle describes it: where in which storage. Nothing of it is checked.
struct pickled_tensor {
    stored_type type = stored_type::f32;
    std::string storage;                        // its key: the file data/KEY of the archive
    std::int64_t storage_count = 0, offset = 0; // elements
    std::vector<std::int64_t> shape, strides;   // elements
};

/// All tensors in dictionaries within dictionaries, the keys joined by dots ("state_dict.model.…"); other values are
/// passed over. Throws error: damaged, too large, of an element type that is not supported.
std::map<std::string, pickled_tensor, std::less<>> read_pickle(std::span<std::byte const> bytes,
                                                               std::string const& source);

} // namespace sfumato
