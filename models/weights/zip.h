// The directory of a zip archive whose files are stored, not compressed: as PyTorch writes them. Zip64 included.
// PKWARE APPNOTE 6.3.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace sfumato {

bool is_zip(std::span<std::byte const> bytes);

/// Name → bytes within `archive`. Throws error: damaged, cut off, compressed, encrypted, a name twice.
std::map<std::string, std::span<std::byte const>, std::less<>> read_zip(std::span<std::byte const> archive,
                                                                        std::string const& source);

} // namespace sfumato
