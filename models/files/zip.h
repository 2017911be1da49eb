// The directory of a zip archive, 64-bit ones included; nothing is unpacked: PyTorch stores its files as they are.
// PKWARE APPNOTE 6.3.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace sfumato {

bool is_zip(std::span<std::byte const> bytes);

struct zip_entry {
    std::span<std::byte const> bytes; // within the archive
    bool stored;                      // else they are compressed or encrypted
};

/// By name. Throws error: damaged, cut off, a name twice.
std::map<std::string, zip_entry, std::less<>> read_zip(std::span<std::byte const> archive, std::string const& source);

} // namespace sfumato
