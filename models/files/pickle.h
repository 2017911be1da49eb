// Reads a Python pickle as PyTorch writes one, without Python and without running anything: names of classes and
// functions are only names. A few of them are known to stand for tensors and dictionaries (pickle.cpp lists them); what
// any other makes is an object of which nothing is known. Opcodes of protocols 2 to 5 (CPython's pickletools).
#pragma once

#include "models/files/checkpoint.h"

#include <set>

namespace sfumato {

/// A tensor as the pickle describes it: where in which storage. Nothing of it is checked.
struct pickled_tensor {
    stored_type type = stored_type::f32;
    std::string storage;                        // its key: the file data/KEY of the archive
    std::int64_t storage_count = 0, offset = 0; // elements
    std::vector<std::int64_t> shape, strides;   // elements
};

struct pickled_storage {
    stored_type type = stored_type::f32;
    std::int64_t count = 0; // elements
};

template <class T> using named = std::map<std::string, T, std::less<>>;

/// What a pickle holds.
struct pickled {
    /// All in dictionaries within dictionaries, the keys joined by dots ("state_dict.model.…"). Networks that were
    /// saved as whole Python objects count as dictionaries of their parameters, buffers and networks; those of
    /// TorchScript, as dictionaries of their attributes.
    named<pickled_tensor> tensors;
    /// Of which class the whole is, or the first object in it that holds no tensors, "torch.nn.Module"; "": there is
    /// none.
    std::string object;
    /// The names, if they are short, of other values there, but for those that are None or False.
    std::set<std::string, std::less<>> others;
    named<pickled_storage> storages; // by their keys
    std::vector<std::string> texts;  // where it is a list
    std::size_t bytes = 0;           // of itself; others may follow
};

inline constexpr std::size_t longest_pickle = 32 << 20;

/// Throws error: damaged, too large, of an element type that is not supported.
pickled read_pickle(std::span<std::byte const> bytes, std::string const& source);

} // namespace sfumato
