// The colour profile in a finished JPEG or WebP, with exiv2: GEGL reads or writes it there only in part.
#pragma once

#include <filesystem>
#include <string>

namespace sfumato {

/// ICC; "": there is none, or it cannot be read.
std::string read_profile(std::filesystem::path const&);

/// In the place of the one that is there; "": none. Throws error that names the file `name`.
void write_profile(std::filesystem::path const&, std::string const& icc, std::string const& name);

} // namespace sfumato
