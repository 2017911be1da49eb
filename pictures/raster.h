// Pixels as a file holds them, in GEGL's tiles, and the colour profile beside them. What stands between picture files
// and GEGL.
#pragma once

#include "pictures/metadata.h"
#include "pictures/pixel_numbers.h"
#include "request/picture.h"

#include <cstddef>
#include <functional>
#include <gegl.h>
#include <memory>
#include <string>

namespace sfumato {

using buffer_handle = std::shared_ptr<GeglBuffer>;

/// The buffer's format says how the numbers are stored, the profile what they mean. (GEGL keeps both in the format, but
/// knows only some profiles.) Where the format names a curve ("R'G'B' u8"), it is the profile's; otherwise ("RGB
/// float") the numbers are light, and the profile says only of which primaries.
struct raster {
    buffer_handle buffer;
    std::string profile{}; // ICC, of RGB or grey as the buffer is; "": sRGB
    resolution dots{};
};

/// Before anything else of GEGL and babl; again does no harm.
void start_gegl();

buffer_handle empty_buffer(int width, int height, Babl const* format);

/// A new buffer whose pixels lie as EXIF's orientation (1 to 8) says they are to be seen.
buffer_handle upright(GeglBuffer*, int orientation);

Babl const* format_of(GeglBuffer*);
bool is_grey(Babl const* format);
bool is_premultiplied(Babl const* format);
bool is_light(Babl const* format); // "RGB float"

/// As people see them (the document's own): stored, and as 4 floats. `linear_profile`: see is_linear_profile.
number_formats numbers_of(GeglBuffer*, bool linear_profile);

/// Calls `use` with some rows of pixels at a time, as they are stored (numbers_of): where they lie in the buffer, room
/// for them, how many pixels came before them in `area`, and how many they are. So a large picture is not in memory
/// once more. The buffer's own first pixel need not be (0, 0); in `area` it is.
void for_rows(GeglBuffer*, rect const& area,
              std::function<void(GeglRectangle const&, std::byte*, std::size_t, long)> const& use);

void read_rows(GeglBuffer*, GeglRectangle const&, std::byte* to);
void write_rows(GeglBuffer*, GeglRectangle const&, std::byte const* from);

/// 4 channels a pixel.
void get_pixels(raster const&, rect const& area, float* to, colours = colours::document);
void set_pixels(raster const&, rect const& area, float const* from, colours = colours::document);

/// The numbers of the profile, as 4 floats a pixel: those that a colour_transform takes.
number_formats profile_numbers(Babl const* format);

} // namespace sfumato
