// The formats of picture files, and their names.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace sfumato {

struct picture_format {
    std::string_view name, load, save; // the latter two: GEGL's operations
    std::array<std::string_view, 2> extensions;
    int longest;                                              // pixels a side
    bool (*matches)(std::string_view first_12_bytes);         // of the file
    std::string (*damage)(std::filesystem::path const& path); // what GEGL would not notice; "": nothing
};

/// Throw error: no such name; no such file, another content, damaged.
picture_format const& format_by_name(std::filesystem::path const&);
picture_format const& format_by_content(std::filesystem::path const&);

/// "… is a damaged PNG picture (`what`, if it is known); …"
[[noreturn]] void fail_as_damaged(std::filesystem::path const&, picture_format const&, std::string const& what);

/// Whether the name ends in .png, .jpg, .jpeg, .tif, .tiff, .webp or .exr.
bool has_picture_name(std::filesystem::path const&);

} // namespace sfumato
