#include "plugin/upscale_deliver.h"

#include "plugin/pixels.h"
#include "ui/translated.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace sfumato {

namespace {

// The layer that was read, if it still is in the image.
GimpLayer* source_in(GimpImage* image, upscale_run const& run) {
    GimpLayer* const layer = run.request.source == source::layer ? run.from.above : nullptr;
    return layer && gimp_item_is_valid(GIMP_ITEM(layer)) && gimp_image_get_item_position(image, GIMP_ITEM(layer)) >= 0
               ? layer
               : nullptr;
}

GimpLayerMask* mask_in_use(GimpLayer* layer) {
    return layer && gimp_layer_get_apply_mask(layer) ? gimp_layer_get_mask(layer) : nullptr;
}

// Where both layers are, `mask` of the layer `of` becomes its product with `with`, the mask of the layer `other`.
void multiply(GimpLayerMask* mask, GimpLayer* of, GimpLayerMask* with, GimpLayer* other) {
    rect const to = extent_of(of), from = extent_of(other), both = intersect(to, from);
    constexpr int rows = 256; // at a time
    for (int y = both.y; y < both.bottom(); y += rows) {
        rect const strip{both.x, y, both.width, std::min(rows, both.bottom() - y)};
        auto m = read_mask(GIMP_DRAWABLE(mask), moved(strip, -to.x, -to.y));
        auto const w = read_mask(GIMP_DRAWABLE(with), moved(strip, -from.x, -from.y));
        std::ranges::transform(m.values, w.values, m.values.begin(), std::multiplies());
        write_mask(GIMP_DRAWABLE(mask), strip.x - to.x, strip.y - to.y, m);
    }
}

// The result shows where the selection is, and where its source does.
void mask_result(GimpLayer* made, GimpLayer* source, bool selected) {
    GimpLayerMask* const of_source = mask_in_use(source);
    if (!selected && !of_source) return;
    GimpLayerMask* const mask = add_mask(made, selected ? GIMP_ADD_MASK_SELECTION : GIMP_ADD_MASK_WHITE);
    if (of_source) multiply(mask, made, of_source, source);
}

bool is_seen_through(GimpLayer* layer) {
    GimpLayerMode const mode = gimp_layer_get_mode(layer);
    return gimp_drawable_has_alpha(GIMP_DRAWABLE(layer)) || mask_in_use(layer) || gimp_layer_get_opacity(layer) < 100 ||
           (mode != GIMP_LAYER_MODE_NORMAL && mode != GIMP_LAYER_MODE_NORMAL_LEGACY);
}

void take_place_of(GimpLayer* source, GimpLayer* made) {
    gimp_layer_set_mode(made, gimp_layer_get_mode(source));
    gimp_layer_set_opacity(made, gimp_layer_get_opacity(source));
    gimp_item_set_visible(GIMP_ITEM(made), gimp_item_get_visible(GIMP_ITEM(source)));
    if (!gimp_item_get_lock_visibility(GIMP_ITEM(source))) gimp_item_set_visible(GIMP_ITEM(source), FALSE);
}

// While a dialog is open, the image may be converted.
void check_fits(GimpImage* image, upscale_run const& run) {
    check_image(image);
    bool const gray = gimp_image_get_base_type(image) == GIMP_GRAY;
    if (gray != gimp_drawable_is_gray(GIMP_DRAWABLE(run.made.get())) ||
        gimp_image_get_precision(image) != run.precision)
        fail_translated(_("The image has got another mode or precision meanwhile; run this again."));
}

struct delete_image {
    void operator()(GimpImage* image) const { gimp_image_delete(image); }
};
using new_image = std::unique_ptr<GimpImage, delete_image>; // not shown to anybody yet

void take_properties(GimpImage* image, GimpImage* from) {
    if (GimpColorProfile* profile = gimp_image_get_color_profile(from)) {
        gimp_image_set_color_profile(image, profile);
        g_object_unref(profile);
    }
    double x = 72, y = 72;
    gimp_image_get_resolution(from, &x, &y);
    gimp_image_set_resolution(image, x, y);
    gimp_image_set_unit(image, gimp_image_get_unit(from));
}

} // namespace

rect scaled(rect const& r, double scale) {
    return {int(std::lround(r.x * scale)), int(std::lround(r.y * scale)), upscaled(r.width, scale),
            upscaled(r.height, scale)};
}

rect canvas_of(GimpImage* image) { return {0, 0, gimp_image_get_width(image), gimp_image_get_height(image)}; }

GimpLayer* deliver_as_image(upscale_run& run, GimpImage* like) {
    GimpDrawable* const made = GIMP_DRAWABLE(run.made.get());
    new_image image(gimp_image_new_with_precision(gimp_drawable_get_width(made), gimp_drawable_get_height(made),
                                                  gimp_image_get_base_type(like), gimp_image_get_precision(like)));
    check_delivered(bool(image));
    gimp_image_undo_disable(image.get());
    take_properties(image.get(), like);
    loose_layer layer(gimp_layer_new_from_drawable(made, image.get()));
    check_delivered(layer && gimp_layer_set_offsets(layer.get(), 0, 0));
    attach_recipe(layer.get(), run.request);
    GimpLayer* const inserted = insert_layer(image.get(), std::move(layer), nullptr);
    gimp_image_undo_enable(image.release());
    return inserted;
}

GimpLayer* deliver_as_layer(upscale_run& run, GimpImage* image) {
    double const scale = run.request.upscale.scale;
    rect const at = scaled(run.area, scale), canvas = scaled(canvas_of(image), scale);
    GimpLayer* const source = source_in(image, run);
    check_fits(image, run);
    undo_step const step(image);
    if (run.target == target::image) check_delivered(gimp_image_scale(image, canvas.width, canvas.height));
    check_delivered(gimp_layer_set_offsets(run.made.get(), at.x, at.y));
    mask_result(run.made.get(), source, run.is_masked);
    GimpLayer* const made = insert_layer(image, std::move(run.made), source);
    if (source && !run.is_masked && is_seen_through(source)) take_place_of(source, made);
    return made;
}

} // namespace sfumato
