// Layers that are made, kept out of the image while they are, and put into it at once.
#pragma once

#include "request/request.h"

#include <libgimp/gimp.h>

#include <memory>
#include <optional>
#include <string>

namespace sfumato {

constexpr char const* recipe_parasite = "sfumato-recipe"; // JSON: the request, and which Sfumato made the layer

struct delete_item {
    void operator()(GimpLayer* layer) const {
        if (gimp_item_is_valid(GIMP_ITEM(layer))) gimp_item_delete(GIMP_ITEM(layer)); // else it went with its image
    }
};
/// A layer that belongs to an image, but is not part of it yet; deleted with its handle.
using loose_layer = std::unique_ptr<GimpLayer, delete_item>;

rect extent_of(GimpLayer*); // in image coordinates
rect moved(rect const&, int x, int y);
rect united(rect const&, rect const&); // the least that holds both
std::string name_of(GimpItem*);

/// A layer mask stands for its layer. Null: it is something else, or none.
GimpLayer* as_layer(GimpDrawable*);

/// The layer, or null when there is none, or it has been removed from the image meanwhile.
GimpLayer* still_in(GimpImage*, GimpLayer*);

struct delete_image {
    void operator()(GimpImage* image) const { gimp_image_delete(image); }
};
using image_handle = std::unique_ptr<GimpImage, delete_image>; // not shown to anybody yet

/// Empty, in the mode, precision, profile and resolution of `like`, without undo; null when GIMP refuses.
image_handle make_image_like(GimpImage* like, int width, int height);

// All of these throw error when GIMP refuses.

/// Empty, in the image's mode, precision and profile.
loose_layer make_layer(GimpImage*, char const* name, int width, int height, bool has_alpha);

GimpLayerMask* add_mask(GimpLayer*, GimpAddMaskType);

/// Puts it on top of what it covers: directly above `source` and the results that already lie on it, in the same group.
/// (A fill stays above the enlarged layer under it.) Null, or gone meanwhile: on top of the stack.
GimpLayer* insert_layer(GimpImage*, loose_layer, GimpLayer* source, operation);
/// Where that is, among the source's siblings in the image's stack or a group.
int position_over(GimpImage*, GimpLayer* source, operation);

/// What lies under a layer, or will (underlay.h).
struct underlay {
    rect area;        // in image coordinates
    std::string hash; // of its pixels
};

/// `on`: nothing is known of what lies under it.
void attach_recipe(GimpLayer*, request const&, std::optional<underlay> const& on = {});

/// How it was made. Nothing: it has no recipe that can be read.
std::optional<request> recipe_of(GimpLayer*);

/// What lay under it when it was made, by where the layer is now. Nothing: its recipe does not say.
std::optional<underlay> underlay_of_recipe(GimpLayer*);

/// Throws error with GIMP's own words unless `done`.
void check_delivered(bool done);

} // namespace sfumato
