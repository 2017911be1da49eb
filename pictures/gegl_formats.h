// JPEG, WebP and OpenEXR, read and written by GEGL.
#pragma once

#include "pictures/raster.h"

#include <filesystem>
#include <string>

namespace sfumato {

/// Nothing in `buffer`: it is damaged.
raster load_jpeg(std::filesystem::path const&); // CMYK becomes sRGB
raster load_webp(std::filesystem::path const&);
raster load_exr(std::filesystem::path const&);

/// Writes what the format holds (picture_format) to `path`; errors name it `name`.
void save_jpeg(raster const&, std::filesystem::path const& path, std::string const& name);
void save_webp(raster const&, std::filesystem::path const& path, std::string const& name);
void save_exr(raster const&, std::filesystem::path const& path, std::string const& name);

} // namespace sfumato
