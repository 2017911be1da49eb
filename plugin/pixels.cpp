#include "plugin/pixels.h"

#include "pictures/colour_profile.h"
#include "pictures/pixel_numbers.h"
#include "plugin/document_state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace sfumato {

namespace {

struct unref {
    void operator()(GeglBuffer* buffer) const {
        g_object_unref(buffer);
    } // of a drawable: sends what was written to GIMP
};
using buffer_handle = std::unique_ptr<GeglBuffer, unref>;

buffer_handle open_buffer(GimpDrawable* drawable) { return buffer_handle(gimp_drawable_get_buffer(drawable)); }

bool has_linear_profile(GimpDrawable* drawable) {
    GimpColorProfile* profile = gimp_image_get_effective_color_profile(gimp_item_get_image(GIMP_ITEM(drawable)));
    bool const linear = gimp_color_profile_is_linear(profile);
    g_object_unref(profile);
    return linear;
}

number_formats picture_formats(GimpDrawable* drawable) {
    return picture_numbers(gimp_drawable_get_format(drawable), has_linear_profile(drawable));
}

// A mask is read as it is stored. Some selections claim to follow a curve (after an XCF was loaded), others do not;
// none means one.
number_formats mask_formats(GimpDrawable* drawable) {
    char const* const encoding = babl_format_get_encoding(gimp_drawable_get_format(drawable));
    char const* const floats = std::strchr(encoding, '\'')  ? "Y' float"
                               : std::strchr(encoding, '~') ? "Y~ float"
                                                            : "Y float";
    return {babl_format(encoding), babl_format(floats)};
}

// Some rows at a time, so that what a drawable stores is never in memory twice.
constexpr int rows_at_once = 256;

template <class F> void for_rows(rect const& area, F each) {
    for (int y = 0; y < area.height; y += rows_at_once)
        each(GeglRectangle{area.x, area.y + y, area.width, std::min(rows_at_once, area.height - y)},
             std::size_t(y) * area.width);
}

std::vector<std::byte> room_for_rows(number_formats const& formats, rect const& area) {
    return std::vector<std::byte>(std::size_t(babl_format_get_bytes_per_pixel(formats.stored)) * area.width *
                                  std::min(rows_at_once, area.height));
}

// Whose red, green and blue the numbers are, as an ICC profile; "": sRGB's. Numbers that do not follow the profile's
// own curve follow that of sRGB, over the profile's primaries.
std::string profile_of_numbers(GimpDrawable* drawable, number_formats const& formats) {
    profile_handle profile(gimp_image_get_color_profile(gimp_item_get_image(GIMP_ITEM(drawable))));
    if (!profile) return "";
    if (std::strchr(babl_format_get_encoding(formats.floats), '~'))
        if (profile_handle curved{gimp_color_profile_new_srgb_trc_from_color_profile(profile.get())})
            profile = std::move(curved);
    if (gimp_color_profile_is_equal(profile.get(), profile_handle(gimp_color_profile_new_rgb_srgb()).get())) return "";
    gsize size = 0;
    auto const* const icc = gimp_color_profile_get_icc_profile(profile.get(), &size);
    return {reinterpret_cast<char const*>(icc), size};
}

// `profile`: that of the numbers in the document, to be turned into those of sRGB; "": as they are.
void read(GimpDrawable* drawable, number_formats const& formats, rect const& area, float* to, int channels,
          std::string const& profile = "") {
    buffer_handle const buffer = open_buffer(drawable);
    auto stored = room_for_rows(formats, area);
    for_rows(area, [&](GeglRectangle const& rows, std::size_t first) {
        long const pixels = long(rows.width) * rows.height;
        gegl_buffer_get(buffer.get(), &rows, 1.0, nullptr, stored.data(), GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
        convert_numbers(formats.stored, stored.data(), formats.floats, to + first * channels, pixels);
        if (!profile.empty()) convert_colours(profile, "", to + first * channels, pixels);
    });
}

void write(GimpDrawable* drawable, number_formats const& formats, rect const& area, float const* from, int channels,
           std::string const& profile = "") {
    buffer_handle const buffer = open_buffer(drawable);
    auto stored = room_for_rows(formats, area);
    std::vector<float> turned;
    for_rows(area, [&](GeglRectangle const& rows, std::size_t first) {
        long const pixels = long(rows.width) * rows.height;
        float const* here = from + first * channels;
        if (!profile.empty()) {
            turned.assign(here, here + pixels * channels);
            convert_colours("", profile, turned.data(), pixels);
            here = turned.data();
        }
        convert_numbers(formats.floats, here, formats.stored, stored.data(), pixels);
        gegl_buffer_set(buffer.get(), &rows, 0, nullptr, stored.data(), GEGL_AUTO_ROWSTRIDE);
    });
}

} // namespace

picture read_picture(GimpDrawable* drawable, rect const& area, colours wanted) {
    picture p(area.width, area.height);
    number_formats const formats = picture_formats(drawable);
    read(drawable, formats, area, p.pixels.data(), 4,
         wanted == colours::srgb ? profile_of_numbers(drawable, formats) : "");
    return p;
}

mask read_mask(GimpDrawable* drawable, rect const& area) {
    mask m(area.width, area.height);
    read(drawable, mask_formats(drawable), area, m.values.data(), 1);
    return m;
}

mask read_opacity(GimpDrawable* drawable, rect const& area, double scale) {
    auto const scaled = [&](int extent) { return std::max(1, int(std::ceil(extent * scale))); };
    mask m(scaled(area.width), scaled(area.height));
    GeglRectangle const at{int(std::floor(area.x * scale)), int(std::floor(area.y * scale)), m.width, m.height};
    std::vector<float> pixels(m.values.size() * 4);
    gegl_buffer_get(open_buffer(drawable).get(), &at, scale, babl_format("RGBA float"), pixels.data(),
                    GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
    for (std::size_t i = 0; i < m.values.size(); ++i) m.values[i] = pixels[4 * i + 3];
    return m;
}

void write_picture(GimpDrawable* drawable, int x, int y, picture const& p, colours given) {
    number_formats const formats = picture_formats(drawable);
    write(drawable, formats, {x, y, p.width, p.height}, p.pixels.data(), 4,
          given == colours::srgb ? profile_of_numbers(drawable, formats) : "");
    gimp_drawable_update(drawable, x, y, p.width, p.height);
}

void write_mask(GimpDrawable* drawable, int x, int y, mask const& m) {
    write(drawable, mask_formats(drawable), {x, y, m.width, m.height}, m.values.data(), 1);
    gimp_drawable_update(drawable, x, y, m.width, m.height);
}

} // namespace sfumato
