#include "plugin/document_state.h"

#include "compute/error.h"
#include "plugin/layers.h"

namespace sfumato {

namespace {

bool same_colours(document_state const& a, document_state const& b) {
    return a.mode == b.mode && a.precision == b.precision &&
           gimp_color_profile_is_equal(a.profile.get(), b.profile.get());
}

bool same_place(document_state const& a, document_state const& b) {
    return a.canvas == b.canvas && (!b.source || a.extent == b.extent);
}

void check_same(bool same) {
    if (!same)
        fail("The image has changed meanwhile (its size, mode, precision or profile, or the place of the "
             "layer); run this again.");
}

} // namespace

document_state state_of(GimpImage* image, GimpLayer* source) {
    document_state s{.mode = gimp_image_get_base_type(image), .precision = gimp_image_get_precision(image)};
    s.profile.reset(gimp_image_get_effective_color_profile(image));
    s.canvas = {0, 0, gimp_image_get_width(image), gimp_image_get_height(image)};
    s.source = source;
    if (source) s.extent = extent_of(source);
    return s;
}

void check_colours(GimpImage* image, document_state const& then) {
    check_same(same_colours(then, state_of(image, nullptr)));
}

void check_colours_and_place(GimpImage* image, document_state const& then) {
    document_state const now = state_of(image, still_in(image, then.source));
    check_same(same_colours(then, now) && same_place(then, now));
}

} // namespace sfumato
