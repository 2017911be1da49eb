#include "plugin/capture.h"

#include "models/pipelines/context.h"
#include "plugin/pixels.h"
#include "ui/translated.h"

#include <memory>

namespace sfumato {

namespace {

std::string name_of(GimpItem* item) {
    std::unique_ptr<char, decltype(&g_free)> const name(gimp_item_get_name(item), g_free);
    return name.get();
}

void check_image(GimpImage* image) {
    if (gimp_image_get_base_type(image) == GIMP_INDEXED)
        fail_translated(
            _("This image is in indexed colours, which cannot hold new ones. Choose Image ▸ Mode ▸ RGB, then "
              "run this again."));
    if (gimp_image_get_floating_sel(image))
        fail_translated(
            _("There is a floating selection. Choose Layer ▸ Anchor Layer or Layer ▸ To New Layer, then run "
              "this again."));
}

// The layer that is active; a layer mask stands for its layer. Null: none, several, or something else than a layer.
GimpLayer* active_layer(GimpDrawable* const* drawables) {
    if (!drawables || !drawables[0] || drawables[1]) return nullptr;
    if (GIMP_IS_LAYER_MASK(drawables[0])) return gimp_layer_from_mask(GIMP_LAYER_MASK(drawables[0]));
    return GIMP_IS_LAYER(drawables[0]) ? GIMP_LAYER(drawables[0]) : nullptr;
}

void check_layer(GimpLayer* layer) {
    if (!layer)
        fail_translated(
            _("Exactly one layer must be active. Click on the one to fill in the Layers dialog, or set Source "
              "to All visible layers."));
    if (gimp_item_is_group(GIMP_ITEM(layer)))
        fail_translated(
            _("“{}” is a layer group, which has no pixels of its own. Choose a layer inside it, or set Source "
              "to All visible layers."),
            name_of(GIMP_ITEM(layer)));
}

// A temporary copy of all that is visible, as large as the canvas and not part of the image.
struct visible_copy {
    GimpLayer* layer;

    explicit visible_copy(GimpImage* image) : layer(gimp_layer_new_from_visible(image, image, "visible")) {
        if (!layer)
            fail_translated(_("GIMP could not copy the visible layers: {}"), gimp_pdb_get_last_error(gimp_get_pdb()));
    }
    visible_copy(visible_copy const&) = delete;
    ~visible_copy() { gimp_item_delete(GIMP_ITEM(layer)); }
};

rect extent(GimpLayer* layer) { // in image coordinates
    int x = 0, y = 0;
    gimp_drawable_get_offsets(GIMP_DRAWABLE(layer), &x, &y);
    return {x, y, gimp_drawable_get_width(GIMP_DRAWABLE(layer)), gimp_drawable_get_height(GIMP_DRAWABLE(layer))};
}

rect selected_box(GimpImage* image) {
    gboolean any = FALSE;
    int x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    gimp_selection_bounds(image, &any, &x1, &y1, &x2, &y2);
    // Without a selection GIMP gives the whole image as bounds.
    if (!any || x2 <= x1 || y2 <= y1)
        fail_translated(_("Nothing is selected. Draw a selection around what shall be filled, then run this again."));
    return {x1, y1, x2 - x1, y2 - y1};
}

rect moved(rect const& r, int x, int y) { return {r.x + x, r.y + y, r.width, r.height}; }

// The selection inside `area`; zero where the area leaves the canvas.
mask read_selection(GimpImage* image, rect const& area) {
    return read_mask(GIMP_DRAWABLE(gimp_image_get_selection(image)), area);
}

void read_into(captured& c, GimpImage* image, GimpLayer* from) {
    rect const layer = extent(from);
    rect const selected = intersect(selected_box(image), layer);
    rect const box =
        context_box(moved(selected, -layer.x, -layer.y), layer.width, layer.height, c.input.request.context);
    c.input.request.area = moved(box, layer.x, layer.y);
    if (!selected.empty()) c.input.selection = read_selection(image, c.input.request.area);
    if (bounds(c.input.selection).empty())
        fail_translated(_("The selection lies outside the layer “{}”. Select a part of the layer, or set Source to All "
                          "visible layers."),
                        name_of(GIMP_ITEM(from)));
    c.input.picture = read_picture(GIMP_DRAWABLE(from), box);
}

} // namespace

captured capture(GimpImage* image, GimpDrawable* const* drawables, request request) {
    check_image(image);
    captured c;
    c.input.request = request;
    c.layer = active_layer(drawables);
    if (request.source == source::layer) {
        check_layer(c.layer);
        read_into(c, image, c.layer);
    } else {
        read_into(c, image, visible_copy(image).layer);
    }
    return c;
}

} // namespace sfumato
