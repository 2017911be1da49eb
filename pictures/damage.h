// Whether a picture file is whole, asked before GEGL reads it: GEGL takes what is missing for black, and libjpeg under
// it ends the whole process.
#pragma once

#include <filesystem>
#include <string>

namespace sfumato {

/// What is wrong with a JPEG, as libjpeg says it; "" when nothing is. All of it is decoded once, coarsely. Bytes
/// between its segments that belong to nothing are no damage.
std::string jpeg_damage(std::filesystem::path const&);

/// Whether a WebP ends before it says so (its RIFF header); "" when it does not.
std::string webp_damage(std::filesystem::path const&);

} // namespace sfumato
