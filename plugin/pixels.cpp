#include "plugin/pixels.h"

#include <cassert>
#include <memory>
#include <string_view>

namespace sfumato {

namespace {

struct unref {
    void operator()(GeglBuffer* buffer) const { g_object_unref(buffer); } // of a drawable: sends what was written to GIMP
};
using buffer_handle = std::unique_ptr<GeglBuffer, unref>;

buffer_handle open_buffer(GimpDrawable* drawable) { return buffer_handle(gimp_drawable_get_buffer(drawable)); }

bool has_own_curve(GimpDrawable* drawable) {
    std::string_view const encoding = babl_format_get_encoding(gimp_drawable_get_format(drawable));
    if (encoding.find('\'') == encoding.npos) return false;
    GimpColorProfile* profile = gimp_image_get_effective_color_profile(gimp_item_get_image(GIMP_ITEM(drawable)));
    bool const linear = gimp_color_profile_is_linear(profile);
    g_object_unref(profile);
    return !linear;
}

// What a picture holds: perceptual values over the primaries of the drawable's own profile. Where the pixels already follow
// the profile's own curve (gamma 2.2, L*, …) that is the one, since babl's way over the sRGB curve costs several steps of
// 16 bits.
Babl const* picture_format(GimpDrawable* drawable) {
    return babl_format_with_space(has_own_curve(drawable) ? "R'G'B'A float" : "R~G~B~A float",
                                  babl_format_get_space(gimp_drawable_get_format(drawable)));
}

// A mask's numbers as they are stored. Some selections claim to follow a curve (after an XCF was loaded), some do not: none
// means one.
Babl const* mask_format(GimpDrawable* drawable) {
    Babl const* const own = gimp_drawable_get_format(drawable);
    std::string_view const encoding = babl_format_get_encoding(own);
    char const* const format = encoding.starts_with("Y'") ? "Y' float" : encoding.starts_with("Y~") ? "Y~ float" : "Y float";
    return babl_format_with_space(format, babl_format_get_space(own));
}

void read(GimpDrawable* drawable, rect const& area, Babl const* format, float* to) {
    GeglRectangle const from{area.x, area.y, area.width, area.height};
    gegl_buffer_get(open_buffer(drawable).get(), &from, 1.0, format, to, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
}

void write(GimpDrawable* drawable, int width, int height, Babl const* format, float const* from) {
    assert(gimp_drawable_get_width(drawable) == width && gimp_drawable_get_height(drawable) == height);
    GeglRectangle const to{0, 0, width, height};
    gegl_buffer_set(open_buffer(drawable).get(), &to, 0, format, from, GEGL_AUTO_ROWSTRIDE);
    gimp_drawable_update(drawable, 0, 0, width, height);
}

} // namespace

picture read_picture(GimpDrawable* drawable, rect const& area) {
    picture p(area.width, area.height);
    read(drawable, area, picture_format(drawable), p.pixels.data());
    return p;
}

mask read_mask(GimpDrawable* drawable, rect const& area) {
    mask m(area.width, area.height);
    read(drawable, area, mask_format(drawable), m.values.data());
    return m;
}

void write_picture(GimpDrawable* drawable, picture const& p) {
    write(drawable, p.width, p.height, picture_format(drawable), p.pixels.data());
}

void write_mask(GimpDrawable* drawable, mask const& m) {
    write(drawable, m.width, m.height, mask_format(drawable), m.values.data());
}

} // namespace sfumato
