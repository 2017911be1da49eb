// The formats of picture files: their names, how each is read and written, and what it can hold.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace sfumato {

struct raster;

/// `light`: floats proportional to light, as no other format's are.
enum class held_numbers { u8, up_to_u16, any, light };

struct picture_format {
    std::string_view name;
    std::array<std::string_view, 2> extensions;
    bool (*matches)(std::string_view first_12_bytes);         // of the file
    std::string (*damage)(std::filesystem::path const& path); // what `load` would not notice; "": nothing
    raster (*load)(std::filesystem::path const&);             // nothing in its buffer: damaged
    void (*save)(raster const&, std::filesystem::path const& to, std::string const& name);

    int longest;       // pixels a side
    double most_bytes; // of pixels as they are in memory
    double least_part; // of those bytes: what the file has at least, of a picture that is no plain colour

    bool has_alpha, has_grey;
    bool (*holds)(std::string const& icc, bool grey); // a profile beside pixels that are grey, or are not
    held_numbers numbers;
};

/// Throw error: no such name; no such file, another content, damaged.
picture_format const& format_by_name(std::filesystem::path const&);
picture_format const& format_by_content(std::filesystem::path const&);

/// Throws error when it is damaged.
raster load_picture(std::filesystem::path const&, picture_format const&);

/// Whether the name ends in .png, .jpg, .jpeg, .tif, .tiff, .webp or .exr.
bool has_picture_name(std::filesystem::path const&);

} // namespace sfumato
