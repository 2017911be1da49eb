#include "plugin/capture.h"

#include "plugin/pixels.h"
#include "request/context.h"
#include "ui/translated.h"

namespace sfumato {

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

namespace {

// The layer that is active; a layer mask stands for its layer. Null: none, several, or something else than a layer.
GimpLayer* active_layer(GimpDrawable* const* drawables) {
    if (!drawables || !drawables[0] || drawables[1]) return nullptr;
    if (GIMP_IS_LAYER_MASK(drawables[0])) return gimp_layer_from_mask(GIMP_LAYER_MASK(drawables[0]));
    return GIMP_IS_LAYER(drawables[0]) ? GIMP_LAYER(drawables[0]) : nullptr;
}

void check_layer(GimpLayer* layer) {
    if (!layer)
        fail_translated(
            _("Exactly one layer must be active. Click on it in the Layers dialog, or set Source to All visible "
              "layers."));
    if (gimp_item_is_group(GIMP_ITEM(layer)))
        fail_translated(
            _("“{}” is a layer group, which has no pixels of its own. Choose a layer inside it, or set Source "
              "to All visible layers."),
            name_of(GIMP_ITEM(layer)));
}

bool has_effects(GimpLayer* layer) {
    std::unique_ptr<GimpDrawableFilter*[], decltype(&g_free)> const effects(
        gimp_drawable_get_filters(GIMP_DRAWABLE(layer)), g_free);
    return effects && effects[0];
}

// A copy whose effects have become pixels. They do so in an image of their own: any image in which effects are merged
// counts as modified.
loose_layer copy_with_effects(GimpImage* image, GimpLayer* layer) {
    rect const size = extent_of(layer);
    image_handle const aside = make_image_like(image, size.width, size.height);
    if (!aside) return {};
    loose_layer const copy(gimp_layer_new_from_drawable(GIMP_DRAWABLE(layer), aside.get()));
    if (!copy || !gimp_drawable_merge_filters(GIMP_DRAWABLE(copy.get()))) return {};
    return loose_layer(gimp_layer_new_from_drawable(GIMP_DRAWABLE(copy.get()), image));
}

// The layer as it is seen, but for opacity and mode; with its mask.
loose_layer copy_of(GimpImage* image, GimpLayer* layer) {
    loose_layer copy = has_effects(layer) ? copy_with_effects(image, layer) : loose_layer(gimp_layer_copy(layer));
    if (!copy)
        fail_translated(_("GIMP could not copy the layer “{}”: {}"), name_of(GIMP_ITEM(layer)),
                        gimp_pdb_get_last_error(gimp_get_pdb()));
    return copy;
}

loose_layer copy_of_visible(GimpImage* image) {
    loose_layer copy(gimp_layer_new_from_visible(image, image, "visible"));
    if (!copy)
        fail_translated(_("GIMP could not copy the visible layers: {}"), gimp_pdb_get_last_error(gimp_get_pdb()));
    return copy;
}

[[noreturn]] void fail_outside(source_copy const& from) {
    fail_translated(_("The selection lies outside the layer “{}”. Select a part of the layer, or set Source to All "
                      "visible layers."),
                    name_of(GIMP_ITEM(from.above)));
}

} // namespace

source_copy copy_source(GimpImage* image, GimpDrawable* const* drawables, source from) {
    check_image(image);
    source_copy s{.above = active_layer(drawables)};
    if (from == source::layer) {
        check_layer(s.above);
        s.layer = copy_of(image, s.above);
    } else {
        s.layer = copy_of_visible(image);
    }
    s.extent = extent_of(s.layer.get());
    s.document = state_of(image, from == source::layer ? s.above : nullptr);
    return s;
}

rect selected_box(GimpImage* image) {
    gboolean any = FALSE;
    int x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    gimp_selection_bounds(image, &any, &x1, &y1, &x2, &y2);
    // Without a selection GIMP gives the whole image as bounds.
    return any && x2 > x1 && y2 > y1 ? rect{x1, y1, x2 - x1, y2 - y1} : rect{};
}

rect selected_part(GimpImage* image, source_copy const& from) {
    rect const part = intersect(selected_box(image), from.extent);
    if (part.empty()) fail_outside(from);
    return part;
}

captured capture(GimpImage* image, GimpDrawable* const* drawables, request request) {
    source_copy from = copy_source(image, drawables, request.source);
    if (selected_box(image).empty())
        fail_translated(_("Nothing is selected. Draw a selection around what shall be filled, then run this again."));
    rect const &layer = from.extent, selected = selected_part(image, from);
    rect const box = context_box(moved(selected, -layer.x, -layer.y), layer.width, layer.height, request.context);
    captured c{.above = from.above, .document = std::move(from.document)};
    c.request = request;
    c.request.area = moved(box, layer.x, layer.y);
    // Zero where the area leaves the canvas.
    c.selection = read_mask(GIMP_DRAWABLE(gimp_image_get_selection(image)), c.request.area);
    if (bounds(c.selection).empty()) fail_outside(from); // whatever its rectangle says
    c.picture = read_picture(GIMP_DRAWABLE(from.layer.get()), box);
    return c;
}

} // namespace sfumato
