// A folder for a test's files.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace sfumato {

/// Gone when the test ends.
struct scratch_folder {
    std::filesystem::path path;

    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "sfumato-test-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    scratch_folder(scratch_folder const&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    std::string operator/(std::string_view name) const { return (path / name).string(); }

    /// Writes a file, and the folders that it needs, and returns its path.
    std::string put(std::string_view name, std::string_view bytes) const {
        std::filesystem::create_directories((path / name).parent_path());
        std::ofstream(path / name, std::ios::binary) << bytes;
        return *this / name;
    }
};

} // namespace sfumato
