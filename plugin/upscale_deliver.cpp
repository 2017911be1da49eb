#include "plugin/upscale_deliver.h"

#include "plugin/result_mask.h"
#include "ui/translated.h"

#include <cmath>

namespace sfumato {

namespace {

bool is_seen_through(GimpLayer* layer) {
    GimpLayerMode const mode = gimp_layer_get_mode(layer);
    return gimp_drawable_has_alpha(GIMP_DRAWABLE(layer)) || mask_in_use(layer) || gimp_layer_get_opacity(layer) < 100 ||
           (mode != GIMP_LAYER_MODE_NORMAL && mode != GIMP_LAYER_MODE_NORMAL_LEGACY);
}

// The result as it will be in the image, of which it is no part yet.
void finish(upscale_run& run, GimpLayer* source) {
    GimpLayer* const made = run.made.get();
    rect const at = scaled(run.area, run.request.upscale.scale);
    check_delivered(gimp_layer_set_offsets(made, at.x, at.y));
    if (GimpLayerMask* const shown =
            run.is_masked ? gimp_layer_get_mask(run.from.layer.get()) : mask_in_use(run.from.layer.get()))
        add_enlarged_mask(made, shown, run.from.layer.get(), run.area, run.request.upscale.scale);
    if (!source) return;
    check_delivered(gimp_layer_set_mode(made, gimp_layer_get_mode(source)) &&
                    gimp_layer_set_opacity(made, gimp_layer_get_opacity(source)) &&
                    gimp_item_set_visible(GIMP_ITEM(made), gimp_item_get_visible(GIMP_ITEM(source))));
}

// What is left to do once the image is scaled.
GimpLayer* insert(upscale_run& run, GimpImage* image) {
    try {
        return insert_layer(image, std::move(run.made), run.from.document.source);
    } catch (error const& e) {
        if (run.target != target::image) throw;
        fail_translated(_("Undo once: the image had been scaled already. {}"), e.what());
    }
}

} // namespace

rect scaled(rect const& r, double scale) {
    return {int(std::lround(r.x * scale)), int(std::lround(r.y * scale)), upscaled(r.width, scale),
            upscaled(r.height, scale)};
}

GimpLayer* deliver_as_image(upscale_run& run, GimpImage* like) {
    check_colours(like, run.from.document);
    GimpDrawable* const made = GIMP_DRAWABLE(run.made.get());
    image_handle image = make_image_like(like, gimp_drawable_get_width(made), gimp_drawable_get_height(made));
    check_delivered(bool(image));
    loose_layer layer(gimp_layer_new_from_drawable(made, image.get()));
    check_delivered(layer && gimp_layer_set_offsets(layer.get(), 0, 0));
    attach_recipe(layer.get(), run.request);
    GimpLayer* const inserted = insert_layer(image.get(), std::move(layer), nullptr);
    gimp_image_undo_enable(image.release());
    return inserted;
}

// GIMP would resample the result with the image: it is inserted last, when nothing else can fail any more.
GimpLayer* deliver_as_layer(upscale_run& run, GimpImage* image) {
    check_image(image);
    check_colours_and_place(image, run.from.document);
    GimpLayer* const source = still_in(image, run.from.document.source);
    bool const is_replaced = source && !run.is_masked && is_seen_through(source);
    finish(run, is_replaced ? source : nullptr);
    rect const canvas = scaled(run.from.document.canvas, run.request.upscale.scale);
    undo_step const step(image);
    if (run.target == target::image) check_delivered(gimp_image_scale(image, canvas.width, canvas.height));
    GimpLayer* const made = insert(run, image);
    if (is_replaced && !gimp_item_get_lock_visibility(GIMP_ITEM(source)))
        gimp_item_set_visible(GIMP_ITEM(source), FALSE);
    return made;
}

} // namespace sfumato
