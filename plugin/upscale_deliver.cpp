#include "plugin/upscale_deliver.h"

#include "plugin/result_mask.h"
#include "plugin/undo_step.h"

#include <cmath>

namespace sfumato {

namespace {

bool is_blended(GimpLayer* layer) {
    GimpLayerMode const mode = gimp_layer_get_mode(layer);
    GimpLayerCompositeMode const composite = gimp_layer_get_composite_mode(layer);
    return (mode != GIMP_LAYER_MODE_NORMAL && mode != GIMP_LAYER_MODE_NORMAL_LEGACY) ||
           (composite != GIMP_LAYER_COMPOSITE_AUTO && composite != GIMP_LAYER_COMPOSITE_UNION);
}

bool is_seen_through(GimpLayer* layer) {
    return gimp_drawable_has_alpha(GIMP_DRAWABLE(layer)) || mask_in_use(layer) || gimp_layer_get_opacity(layer) < 100 ||
           is_blended(layer);
}

// The mode comes first: setting it sets the others to automatic.
void blend_as(GimpLayer* layer, GimpLayer* like) {
    check_delivered(gimp_layer_set_mode(layer, gimp_layer_get_mode(like)) &&
                    gimp_layer_set_blend_space(layer, gimp_layer_get_blend_space(like)) &&
                    gimp_layer_set_composite_space(layer, gimp_layer_get_composite_space(like)) &&
                    gimp_layer_set_composite_mode(layer, gimp_layer_get_composite_mode(like)));
}

// The result as it will be: at its place, behind its layer mask, and as opaque and blended as the source was, unless it
// lies over the source. Alone in an image it has nothing to be blended with.
void finish(upscale_run& run) {
    GimpLayer *const made = run.made.get(), *const from = run.from.layer.get();
    rect const at = scaled(run.area, run.request.upscale.scale);
    check_delivered(gimp_layer_set_offsets(made, at.x, at.y));
    if (GimpLayerMask* const shown = mask_in_use(from))
        add_enlarged_mask(made, shown, from, run.area, run.request.upscale.scale);
    bool const is_alone = run.target == target::new_image;
    if (run.is_masked && !is_alone) return;
    check_delivered(gimp_layer_set_opacity(made, gimp_layer_get_opacity(from)));
    if (!is_alone) blend_as(made, from);
}

// The same layer, now of another image, with its upper left corner there.
loose_layer moved_to(GimpImage* image, loose_layer layer) {
    loose_layer moved(gimp_layer_new_from_drawable(GIMP_DRAWABLE(layer.get()), image));
    check_delivered(moved && gimp_item_set_name(GIMP_ITEM(moved.get()), name_of(GIMP_ITEM(layer.get())).c_str()) &&
                    gimp_layer_set_offsets(moved.get(), 0, 0));
    return moved;
}

// What is left to do once the image is scaled.
GimpLayer* insert(upscale_run& run, GimpImage* image) {
    try {
        return insert_layer(image, std::move(run.made), run.from.document.source, operation::upscale);
    } catch (error const& e) {
        if (run.target != target::image) throw;
        fail("Undo once: the image had been scaled already. {}", e.said);
    }
}

// Also where its visibility is locked: it would be seen twice.
void hide(GimpItem* item) {
    bool const is_locked = gimp_item_get_lock_visibility(item);
    if (is_locked) gimp_item_set_lock_visibility(item, FALSE);
    gimp_item_set_visible(item, FALSE);
    if (is_locked) gimp_item_set_lock_visibility(item, TRUE);
}

} // namespace

rect scaled(rect const& r, double scale) {
    return {int(std::lround(r.x * scale)), int(std::lround(r.y * scale)), upscaled(r.width, scale),
            upscaled(r.height, scale)};
}

GimpLayer* deliver_as_image(upscale_run& run, GimpImage* like) {
    check_colours(like, run.from.document);
    finish(run);
    rect const size = extent_of(run.made.get());
    image_handle image = make_image_like(like, size.width, size.height);
    check_delivered(bool(image));
    GimpLayer* const inserted =
        insert_layer(image.get(), moved_to(image.get(), std::move(run.made)), nullptr, operation::upscale);
    gimp_image_undo_enable(image.release());
    return inserted;
}

// GIMP would resample the result with the image: it is inserted last, when nothing else can fail any more.
GimpLayer* deliver_as_layer(upscale_run& run, GimpImage* image) {
    check_image(image);
    check_colours_and_place(image, run.from.document);
    finish(run);
    rect const canvas = scaled(run.from.document.canvas, run.request.upscale.scale);
    GimpLayer* made = nullptr;
    as_undo_step(image, run.name, [&] {
        if (run.target == target::image) check_delivered(gimp_image_scale(image, canvas.width, canvas.height));
        made = insert(run, image);
        GimpLayer* const source = still_in(image, run.from.document.source);
        if (source && !run.is_masked && is_seen_through(run.from.layer.get())) hide(GIMP_ITEM(source));
    });
    return made;
}

} // namespace sfumato
