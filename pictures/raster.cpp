#include "pictures/raster.h"

#include "pictures/colour_profile.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace sfumato {

namespace {

constexpr int rows_at_once = 64;

std::size_t pixel_size(GeglBuffer* buffer) { return std::size_t(babl_format_get_bytes_per_pixel(format_of(buffer))); }

std::string_view encoding_of(Babl const* format) { return babl_format_get_encoding(format); }

bool has_flag(Babl const* format, BablModelFlag flag) {
    return babl_get_model_flags(babl_format_get_model(format)) & flag;
}

} // namespace

buffer_handle empty_buffer(int width, int height, Babl const* format) {
    GeglRectangle const extent{0, 0, width, height};
    return {gegl_buffer_new(&extent, format), [](GeglBuffer* b) { g_object_unref(b); }};
}

// Each row of the new one is a row or a column of the old one, counted from its start or its end, read forwards or
// backwards.
buffer_handle upright(GeglBuffer* buffer, int orientation) {
    GeglRectangle const from = *gegl_buffer_get_extent(buffer);
    bool const columns = orientation >= 5;
    bool const from_end = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    bool const backwards = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    int const width = columns ? from.height : from.width, height = columns ? from.width : from.height;
    buffer_handle made = empty_buffer(width, height, format_of(buffer));
    std::size_t const size = pixel_size(buffer);
    std::vector<std::byte> line(size * std::size_t(width));
    for (int y = 0; y < height; ++y) {
        int const at = from_end ? height - 1 - y : y;
        GeglRectangle const given =
            columns ? GeglRectangle{from.x + at, from.y, 1, width} : GeglRectangle{from.x, from.y + at, width, 1};
        read_rows(buffer, given, line.data());
        if (backwards)
            for (std::size_t i = 0, last = std::size_t(width) - 1; i < last; ++i, --last)
                std::swap_ranges(&line[i * size], &line[i * size] + size, &line[last * size]);
        write_rows(made.get(), {0, y, width, 1}, line.data());
    }
    return made;
}

Babl const* format_of(GeglBuffer* buffer) { return gegl_buffer_get_format(buffer); }

bool is_grey(Babl const* format) { return has_flag(format, BABL_MODEL_FLAG_GRAY); }

bool is_premultiplied(Babl const* format) { return has_flag(format, BABL_MODEL_FLAG_ASSOCIATED); }

bool is_light(Babl const* format) { return encoding_of(format).find_first_of("'~") == std::string_view::npos; }

number_formats numbers_of(GeglBuffer* buffer, bool linear_profile) {
    return picture_numbers(format_of(buffer), linear_profile);
}

number_formats profile_numbers(Babl const* format) { return picture_numbers(format, false); }

void for_rows(GeglBuffer* buffer, rect const& area,
              std::function<void(GeglRectangle const&, std::byte*, std::size_t, long)> const& use) {
    GeglRectangle const extent = *gegl_buffer_get_extent(buffer);
    std::vector<std::byte> room(pixel_size(buffer) * std::size_t(area.width) *
                                std::size_t(std::min(rows_at_once, area.height)));
    for (int y = 0; y < area.height; y += rows_at_once) {
        int const height = std::min(rows_at_once, area.height - y);
        use({extent.x + area.x, extent.y + area.y + y, area.width, height}, room.data(),
            std::size_t(y) * std::size_t(area.width), long(area.width) * height);
    }
}

void read_rows(GeglBuffer* buffer, GeglRectangle const& rows, std::byte* to) {
    gegl_buffer_get(buffer, &rows, 1.0, nullptr, to, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
}

void write_rows(GeglBuffer* buffer, GeglRectangle const& rows, std::byte const* from) {
    gegl_buffer_set(buffer, &rows, 0, nullptr, from, GEGL_AUTO_ROWSTRIDE);
}

namespace {

// Of an area: as people see them in the document, or, for another space, the profile's own.
number_formats numbers_for(raster const& r, colours wanted) {
    return wanted == colours::srgb && !r.profile.empty() ? profile_numbers(format_of(r.buffer.get()))
                                                         : numbers_of(r.buffer.get(), is_linear_profile(r.profile));
}

} // namespace

void get_pixels(raster const& r, rect const& area, float* to, colours wanted) {
    number_formats const numbers = numbers_for(r, wanted);
    for_rows(r.buffer.get(), area, [&](GeglRectangle const& rows, std::byte* stored, std::size_t first, long pixels) {
        float* const here = to + 4 * first;
        read_rows(r.buffer.get(), rows, stored);
        convert_numbers(numbers.stored, stored, numbers.floats, here, pixels);
        if (wanted == colours::srgb) convert_colours(r.profile, "", here, pixels);
    });
}

void set_pixels(raster const& r, rect const& area, float const* from, colours given) {
    number_formats const numbers = numbers_for(r, given);
    std::vector<float> turned;
    for_rows(r.buffer.get(), area, [&](GeglRectangle const& rows, std::byte* stored, std::size_t first, long pixels) {
        float const* here = from + 4 * first;
        if (given == colours::srgb && !r.profile.empty()) {
            turned.assign(here, here + 4 * pixels);
            convert_colours("", r.profile, turned.data(), pixels);
            here = turned.data();
        }
        convert_numbers(numbers.floats, here, numbers.stored, stored, pixels);
        write_rows(r.buffer.get(), rows, stored);
    });
}

} // namespace sfumato
