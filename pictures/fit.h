// A picture as a format can hold it.
#pragma once

#include "pictures/picture_format.h"
#include "pictures/raster.h"

#include <array>

namespace sfumato {

/// Red, green and blue of sRGB, 0 to 1.
using plain_colour = std::array<float, 3>;
inline constexpr plain_colour white{1, 1, 1};

/// Whether some pixel can be seen through.
bool has_transparency(raster const&);

/// The same picture with numbers, channels and a profile that go into the format. Colours that do not become sRGB, what
/// can be seen through where it must not lies on `background`. The given one, where nothing need be done.
raster fit(raster const&, picture_format const&, plain_colour const& background);

} // namespace sfumato
