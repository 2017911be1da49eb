#include "pictures/picture_format.h"

#include "compute/error.h"
#include "pictures/damage.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

std::string none(fs::path const&) { return ""; }

constexpr std::array formats{
    picture_format{"PNG",
                   "gegl:png-load",
                   "gegl:png-save",
                   {".png"},
                   1 << 30,
                   [](auto b) { return b.starts_with("\x89PNG"); },
                   none},
    picture_format{"JPEG",
                   "gegl:jpg-load",
                   "gegl:jpg-save",
                   {".jpg", ".jpeg"},
                   65500, // of libjpeg; the format itself ends at 65535
                   [](auto b) { return b.starts_with("\xFF\xD8\xFF"); },
                   jpeg_damage},
    picture_format{"TIFF",
                   "gegl:tiff-load",
                   "gegl:tiff-save",
                   {".tif", ".tiff"},
                   1 << 30,
                   [](auto b) {
                       return b.starts_with(std::string_view("II*\0", 4)) ||
                              b.starts_with(std::string_view("MM\0*", 4));
                   },
                   none},
    picture_format{"WebP",
                   "gegl:webp-load",
                   "gegl:webp-save",
                   {".webp"},
                   16383,
                   [](auto b) { return b.starts_with("RIFF") && b.substr(8, 4) == "WEBP"; },
                   webp_damage},
    picture_format{"OpenEXR",
                   "gegl:exr-load",
                   "gegl:exr-save",
                   {".exr"},
                   1 << 30,
                   [](auto b) { return b.starts_with("\x76\x2F\x31\x01"); },
                   none},
};

picture_format const* find_format(fs::path const& path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    for (auto const& f : formats)
        if (!extension.empty() && std::ranges::find(f.extensions, extension) != f.extensions.end()) return &f;
    return nullptr;
}

} // namespace

picture_format const& format_by_name(fs::path const& path) {
    if (picture_format const* found = find_format(path)) return *found;
    fail("{} cannot be written: its name must end in .png, .jpg, .tif, .webp or .exr.", path.string());
}

picture_format const& format_by_content(fs::path const& path) {
    std::error_code none;
    if (fs::is_directory(path, none)) fail("{} is a directory, not a picture.", path.string());
    std::ifstream file(path, std::ios::binary);
    if (!file) fail("{} cannot be opened: {}.", path.string(), std::strerror(errno));
    std::array<char, 12> first{};
    file.read(first.data(), first.size());
    std::string_view const bytes(first.data(), std::size_t(file.gcount()));
    for (auto const& f : formats)
        if (bytes.size() == first.size() && f.matches(bytes)) {
            std::string const damage = f.damage(path);
            if (!damage.empty()) fail_as_damaged(path, f, damage);
            return f;
        }
    fail("{} is not a PNG, JPEG, TIFF, WebP or OpenEXR picture.", path.string());
}

void fail_as_damaged(fs::path const& path, picture_format const& format, std::string const& what) {
    fail("{} is a damaged {} picture{}; export it again from the program that made it.", path.string(), format.name,
         what.empty() ? "" : " (" + what + ")");
}

bool has_picture_name(fs::path const& path) { return find_format(path) != nullptr; }

} // namespace sfumato
