// PNG, with libpng: every colour type, and what a file says of its colours (third edition, 4.3: iCCP, sRGB, gAMA,
// cHRM).
#pragma once

#include "pictures/raster.h"

#include <filesystem>
#include <string>

namespace sfumato {

/// Nothing in `buffer`: it is damaged. Palettes and fewer than 8 bits become 8 bits, a transparent colour becomes
/// alpha.
raster load_png(std::filesystem::path const&);

/// 8 or 16 bits, grey or colour, with straight alpha or none; errors name it `name`.
void save_png(raster const&, std::filesystem::path const& path, std::string const& name);

/// Whether a PNG takes that profile for its pixels.
bool png_holds(std::string const& icc, bool grey);

} // namespace sfumato
