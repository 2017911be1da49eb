#include "plugin/pixels.h"

#include <algorithm>
#include <memory>
#include <string>

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

// How a drawable's numbers become ours. Both formats leave the profile out, so that babl converts numbers and nothing
// else: colours stay in the document's own space, and 16 bits come back to the last one. (With the profile's space,
// babl goes through linear light even from R' to R', several steps of 16 bits off.)
struct number_formats {
    Babl const* stored;
    Babl const* floats;
};

char curve_of(std::string const& encoding) {
    for (char const mark : {'\'', '~'})
        if (encoding.find(mark) != encoding.npos) return mark;
    return ' ';
}

number_formats picture_formats(GimpDrawable* drawable) {
    std::string encoding = babl_format_get_encoding(gimp_drawable_get_format(drawable));
    // Under a linear profile the marked components, which follow the profile's own curve, are linear as well.
    if (curve_of(encoding) == '\'' && has_linear_profile(drawable)) std::erase(encoding, '\'');
    return {babl_format(encoding.c_str()), babl_format(curve_of(encoding) == '\'' ? "R'G'B'A float" : "R~G~B~A float")};
}

// A mask is read as it is stored. Some selections claim to follow a curve (after an XCF was loaded), others do not;
// none means one.
number_formats mask_formats(GimpDrawable* drawable) {
    char const* const encoding = babl_format_get_encoding(gimp_drawable_get_format(drawable));
    char const curve = curve_of(encoding);
    return {babl_format(encoding), babl_format(curve == '\'' ? "Y' float" : curve == '~' ? "Y~ float" : "Y float")};
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

void read(GimpDrawable* drawable, number_formats const& formats, rect const& area, float* to, int channels) {
    buffer_handle const buffer = open_buffer(drawable);
    auto stored = room_for_rows(formats, area);
    for_rows(area, [&](GeglRectangle const& rows, std::size_t first) {
        gegl_buffer_get(buffer.get(), &rows, 1.0, nullptr, stored.data(), GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
        babl_process(babl_fish(formats.stored, formats.floats), stored.data(), to + first * channels,
                     long(rows.width) * rows.height);
    });
}

void write(GimpDrawable* drawable, number_formats const& formats, rect const& area, float const* from, int channels) {
    buffer_handle const buffer = open_buffer(drawable);
    auto stored = room_for_rows(formats, area);
    for_rows(area, [&](GeglRectangle const& rows, std::size_t first) {
        babl_process(babl_fish(formats.floats, formats.stored), from + first * channels, stored.data(),
                     long(rows.width) * rows.height);
        gegl_buffer_set(buffer.get(), &rows, 0, nullptr, stored.data(), GEGL_AUTO_ROWSTRIDE);
    });
}

} // namespace

picture read_picture(GimpDrawable* drawable, rect const& area) {
    picture p(area.width, area.height);
    read(drawable, picture_formats(drawable), area, p.pixels.data(), 4);
    return p;
}

mask read_mask(GimpDrawable* drawable, rect const& area) {
    mask m(area.width, area.height);
    read(drawable, mask_formats(drawable), area, m.values.data(), 1);
    return m;
}

void write_picture(GimpDrawable* drawable, int x, int y, picture const& p) {
    write(drawable, picture_formats(drawable), {x, y, p.width, p.height}, p.pixels.data(), 4);
    gimp_drawable_update(drawable, x, y, p.width, p.height);
}

void write_mask(GimpDrawable* drawable, int x, int y, mask const& m) {
    write(drawable, mask_formats(drawable), {x, y, m.width, m.height}, m.values.data(), 1);
    gimp_drawable_update(drawable, x, y, m.width, m.height);
}

} // namespace sfumato
