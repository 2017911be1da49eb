// A file as memory, read-only: opening costs nothing, pages come as they are touched.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace sfumato {

struct mapped_file {
    std::shared_ptr<void const> mapping; // keeps `bytes` alive
    std::span<std::byte const> bytes;
    std::filesystem::path path;          // empty: no file
    std::array<std::int64_t, 5> state{}; // device, inode, size, time of the last change in s and ns

    /// Whether the path still leads to this file, and it is as it was.
    bool is_current() const;
};

/// Throws error: not there, not readable, not a file, empty.
mapped_file map_file(std::filesystem::path const&);

} // namespace sfumato
