// A file as memory, read-only: opening costs nothing, pages come as they are touched.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace sfumato {

struct mapped_file {
    std::shared_ptr<void const> mapping; // keeps `bytes` alive
    std::span<std::byte const> bytes;
};

/// Throws error: not there, not readable, not a file, empty.
mapped_file map_file(std::filesystem::path const&);

} // namespace sfumato
