// What a result depends on beside pixels. A run takes minutes, and the document can be worked on meanwhile.
#pragma once

#include "request/picture.h"

#include <libgimp/gimp.h>

#include <memory>

namespace sfumato {

struct unref_profile {
    void operator()(GimpColorProfile* profile) const { g_object_unref(profile); }
};

using profile_handle = std::unique_ptr<GimpColorProfile, unref_profile>;

struct document_state {
    GimpImageBaseType mode = GIMP_RGB;
    GimpPrecision precision = GIMP_PRECISION_U8_NON_LINEAR;
    profile_handle profile; // the one in effect
    rect canvas;
    GimpLayer* source = nullptr; // the layer that is read; null: all that is visible
    rect extent;                 // of the source, in image coordinates
};

document_state state_of(GimpImage*, GimpLayer* source);

// Both throw error.

/// Unless the result's numbers still mean the same colours in the image.
void check_colours(GimpImage*, document_state const& then);

/// The same, and unless the result's place still is where it was. A source that is no longer part of the image is
/// nowhere else.
void check_colours_and_place(GimpImage*, document_state const& then);

} // namespace sfumato
