// TIFF and BigTIFF, with libtiff.
#pragma once

#include "pictures/raster.h"

#include <filesystem>
#include <string>

namespace sfumato {

/// Nothing in `buffer`: it is damaged. The first picture in the file, as its pixels lie. 8, 16 and 32 bits, half, float
/// and double stay what they are; palettes, fewer bits and YCbCr become 8 bits; inks and L*a*b* become sRGB of the same
/// depth. Throws error for what no program of artists writes (signed numbers, more than four inks).
raster load_tiff(std::filesystem::path const&);

/// As deep as the buffer, grey or colour, with alpha or none; from 4 GiB on as BigTIFF. Errors name it `name`.
void save_tiff(raster const&, std::filesystem::path const& path, std::string const& name);

} // namespace sfumato
