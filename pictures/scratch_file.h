// Names for files on their way to their own.
#pragma once

#include <filesystem>

namespace sfumato {

/// A name in the same folder as `beside`, short whatever that one is, whose file is gone at the end unless it was
/// moved.
struct scratch_file {
    explicit scratch_file(std::filesystem::path const& beside);
    scratch_file(scratch_file const&) = delete;
    ~scratch_file();

    std::filesystem::path const path;
};

/// The file that a name stands for: what its links lead to, there or not.
std::filesystem::path behind_links(std::filesystem::path);

} // namespace sfumato
