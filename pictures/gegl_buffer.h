// GEGL's buffers: from and to files, and their pixels. What stands between picture files and GEGL.
#pragma once

#include "pictures/metadata.h"
#include "pictures/picture_format.h"
#include "pictures/pixel_numbers.h"
#include "request/picture.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <gegl.h>
#include <memory>

namespace sfumato {

using buffer_handle = std::shared_ptr<GeglBuffer>;

/// Before anything else of GEGL and babl; again does no harm.
void start_gegl();

/// Throws error when it is damaged. `dots`: a PNG's resolution.
buffer_handle load_buffer(std::filesystem::path const&, picture_format const&, resolution* dots = nullptr);

/// Writes to `path`; errors name it `name`. 8-bit buffers stay 8-bit, deeper ones as deep as the format can.
void save_buffer(GeglBuffer*, std::filesystem::path const& path, picture_format const&, resolution const& dots,
                 std::string const& name);

buffer_handle empty_buffer(int width, int height, Babl const* format);

/// A new buffer whose pixels lie as EXIF's orientation (1 to 8) says they are to be seen.
buffer_handle upright(GeglBuffer*, int orientation);

Babl const* format_of(GeglBuffer*);
number_formats numbers_of(GeglBuffer*);

/// Calls `use` with some rows of pixels at a time, as they are stored (numbers_of): where they lie in the buffer, room
/// for them, how many pixels came before them in `area`, and how many they are. So a large picture is not in memory
/// once more. The buffer's own first pixel need not be (0, 0); in `area` it is.
void for_rows(GeglBuffer*, rect const& area,
              std::function<void(GeglRectangle const&, std::byte*, std::size_t, long)> const& use);

void read_rows(GeglBuffer*, GeglRectangle const&, std::byte* to);

/// 4 channels a pixel.
void get_pixels(GeglBuffer*, rect const& area, float* to, colours = colours::document);
void set_pixels(GeglBuffer*, rect const& area, float const* from, colours = colours::document);

} // namespace sfumato
