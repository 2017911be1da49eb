#include "plugin/pixels.h"

#include <cassert>
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

std::size_t bytes(number_formats const& formats, rect const& area) {
    return std::size_t(babl_format_get_bytes_per_pixel(formats.stored)) * area.width * area.height;
}

void read(GimpDrawable* drawable, number_formats const& formats, rect const& area, float* to) {
    std::vector<std::byte> stored(bytes(formats, area));
    GeglRectangle const from{area.x, area.y, area.width, area.height};
    gegl_buffer_get(open_buffer(drawable).get(), &from, 1.0, nullptr, stored.data(), GEGL_AUTO_ROWSTRIDE,
                    GEGL_ABYSS_NONE);
    babl_process(babl_fish(formats.stored, formats.floats), stored.data(), to, long(area.width) * area.height);
}

void write(GimpDrawable* drawable, number_formats const& formats, int width, int height, float const* from) {
    assert(gimp_drawable_get_width(drawable) == width && gimp_drawable_get_height(drawable) == height);
    std::vector<std::byte> stored(bytes(formats, {0, 0, width, height}));
    babl_process(babl_fish(formats.floats, formats.stored), from, stored.data(), long(width) * height);
    GeglRectangle const to{0, 0, width, height};
    gegl_buffer_set(open_buffer(drawable).get(), &to, 0, nullptr, stored.data(), GEGL_AUTO_ROWSTRIDE);
    gimp_drawable_update(drawable, 0, 0, width, height);
}

} // namespace

picture read_picture(GimpDrawable* drawable, rect const& area) {
    picture p(area.width, area.height);
    read(drawable, picture_formats(drawable), area, p.pixels.data());
    return p;
}

mask read_mask(GimpDrawable* drawable, rect const& area) {
    mask m(area.width, area.height);
    read(drawable, mask_formats(drawable), area, m.values.data());
    return m;
}

void write_picture(GimpDrawable* drawable, picture const& p) {
    write(drawable, picture_formats(drawable), p.width, p.height, p.pixels.data());
}

void write_mask(GimpDrawable* drawable, mask const& m) {
    write(drawable, mask_formats(drawable), m.width, m.height, m.values.data());
}

} // namespace sfumato
