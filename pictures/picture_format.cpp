#include "pictures/picture_format.h"

#include "compute/error.h"
#include "pictures/colour_profile.h"
#include "pictures/damage.h"
#include "pictures/gegl_formats.h"
#include "pictures/png_file.h"
#include "pictures/tiff_picture.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

std::string none(fs::path const&) { return ""; }

bool any_profile(std::string const&, bool) { return true; }
bool colour_profile(std::string const& icc, bool) { return model_of_profile(icc) == colour_model::rgb; }
bool no_profile(std::string const&, bool) { return false; }

bool is_png(std::string_view b) { return b.starts_with("\x89PNG"); }
bool is_jpeg(std::string_view b) { return b.starts_with("\xFF\xD8\xFF"); }
bool is_webp(std::string_view b) { return b.starts_with("RIFF") && b.substr(8, 4) == "WEBP"; }
bool is_exr(std::string_view b) { return b.starts_with("\x76\x2F\x31\x01"); }
bool is_tiff(std::string_view b) { // and BigTIFF, in either order of bytes
    using namespace std::string_view_literals;
    return b.starts_with("II*\0"sv) || b.starts_with("MM\0*"sv) || b.starts_with("II+\0"sv) || b.starts_with("MM\0+"sv);
}

constexpr double endless = 1e18;

constexpr std::array formats{
    picture_format{.name = "PNG",
                   .extensions = {".png"},
                   .matches = is_png,
                   .damage = none,
                   .load = load_png,
                   .save = save_png,
                   .longest = 1'000'000, // of libpng
                   .most_bytes = endless,
                   .least_part = 1 / 50.,
                   .has_alpha = true,
                   .has_grey = true,
                   .holds = png_holds,
                   .numbers = held_numbers::up_to_u16},
    picture_format{.name = "JPEG",
                   .extensions = {".jpg", ".jpeg"},
                   .matches = is_jpeg,
                   .damage = jpeg_damage,
                   .load = load_jpeg,
                   .save = save_jpeg,
                   .longest = 65500, // of libjpeg; the format itself ends at 65535
                   .most_bytes = endless,
                   .least_part = 1 / 100.,
                   .has_alpha = false,
                   .has_grey = true,
                   .holds = any_profile,
                   .numbers = held_numbers::u8},
    picture_format{.name = "TIFF",
                   .extensions = {".tif", ".tiff"},
                   .matches = is_tiff,
                   .damage = none,
                   .load = load_tiff,
                   .save = save_tiff,
                   .longest = 1 << 30,
                   .most_bytes = endless,
                   .least_part = 1,
                   .has_alpha = true,
                   .has_grey = true,
                   .holds = any_profile,
                   .numbers = held_numbers::any},
    picture_format{.name = "WebP",
                   .extensions = {".webp"},
                   .matches = is_webp,
                   .damage = webp_damage,
                   .load = load_webp,
                   .save = save_webp,
                   .longest = 16383,
                   .most_bytes = endless,
                   .least_part = 1 / 200.,
                   .has_alpha = true,
                   .has_grey = false,
                   .holds = colour_profile,
                   .numbers = held_numbers::u8},
    picture_format{.name = "OpenEXR",
                   .extensions = {".exr"},
                   .matches = is_exr,
                   .damage = none,
                   .load = load_exr,
                   .save = save_exr,
                   .longest = 1 << 30,
                   .most_bytes = 2e9, // GEGL counts values with 32 bits
                   .least_part = 1 / 50.,
                   .has_alpha = true,
                   .has_grey = true,
                   .holds = no_profile,
                   .numbers = held_numbers::light},
};

picture_format const* find_format(fs::path const& path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    for (auto const& f : formats)
        if (!extension.empty() && std::ranges::find(f.extensions, extension) != f.extensions.end()) return &f;
    return nullptr;
}

[[noreturn]] void fail_as_damaged(fs::path const& path, picture_format const& format, std::string const& what) {
    fail("{} is a damaged {} picture{}; export it again from the program that made it.", path.string(), format.name,
         what.empty() ? "" : " (" + what + ")");
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

raster load_picture(fs::path const& path, picture_format const& format) {
    raster r = format.load(path);
    if (!r.buffer) fail_as_damaged(path, format, "");
    return r;
}

bool has_picture_name(fs::path const& path) { return find_format(path) != nullptr; }

} // namespace sfumato
