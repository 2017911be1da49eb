#include "plugin/capture.h"

#include "compute/error.h"
#include "plugin/pixels.h"
#include "plugin/underlay.h"
#include "request/context.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sfumato {

void check_image(GimpImage* image) {
    if (gimp_image_get_base_type(image) == GIMP_INDEXED)
        fail("This image is in indexed colours, which cannot hold new ones. Choose Image ▸ Mode ▸ RGB, then run this "
             "again.");
    if (gimp_image_get_floating_sel(image))
        fail("There is a floating selection. Choose Layer ▸ Anchor Layer or Layer ▸ To New Layer, then run this "
             "again.");
}

void check_quick_mask(GimpImage* image) {
    // So the channel is called, in every language, while it is on.
    if (gimp_image_get_channel_by_name(image, "Qmask"))
        fail("The Quick Mask is on, so nothing is selected yet. Choose Select ▸ Toggle Quick Mask, which makes a "
             "selection of it, then run this again.");
}

namespace {

GimpLayer* check_layer(GimpImage* image, GimpDrawable* const* drawables) {
    GimpDrawable* const first = drawables ? drawables[0] : nullptr;
    if (!first || !as_layer(first)) check_quick_mask(image);
    if (!first) fail("No layer is active. Click on one in the Layers dialog, or set Source to All visible layers.");
    if (drawables[1])
        fail("Several layers are active. Click on one in the Layers dialog, or set Source to All visible layers.");
    GimpLayer* const layer = as_layer(first);
    if (!layer)
        fail("The channel “{}” is active, not a layer. Click on a layer in the Layers dialog, or set Source to All "
             "visible layers.",
             name_of(GIMP_ITEM(first)));
    if (gimp_item_is_group(GIMP_ITEM(layer)))
        fail("“{}” is a layer group, which has no pixels of its own. Choose a layer inside it, or set Source to All "
             "visible layers.",
             name_of(GIMP_ITEM(layer)));
    return layer;
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
        fail("GIMP could not copy the layer “{}”: {}", name_of(GIMP_ITEM(layer)),
             gimp_pdb_get_last_error(gimp_get_pdb()));
    return copy;
}

loose_layer copy_of_visible(GimpImage* image) {
    loose_layer copy(gimp_layer_new_from_visible(image, image, "visible"));
    if (!copy) fail("GIMP could not copy the visible layers: {}", gimp_pdb_get_last_error(gimp_get_pdb()));
    return copy;
}

[[noreturn]] void fail_selecting_nothing() {
    fail("Nothing is selected. Draw a selection around what shall be filled, then run this again.");
}

// `source`: null, all that is visible.
[[noreturn]] void fail_outside(GimpLayer* source) {
    if (!source) fail_selecting_nothing();
    fail("The selection lies outside the layer “{}”. Select a part of the layer, or set Source to All visible layers.",
         name_of(GIMP_ITEM(source)));
}

} // namespace

GimpLayer* check_source(GimpImage* image, GimpDrawable* const* drawables, source from) {
    std::unique_ptr<GimpLayer*[], decltype(&g_free)> const layers(gimp_image_get_layers(image), g_free);
    if (!layers || !layers[0]) fail("This image has no layer, and so no pixels. Open or paste a picture first.");
    return from == source::layer ? check_layer(image, drawables) : nullptr;
}

source_copy copy_source(GimpImage* image, GimpDrawable* const* drawables, source from) {
    check_image(image);
    GimpLayer* const layer = check_source(image, drawables, from);
    source_copy s{.layer = layer ? copy_of(image, layer) : copy_of_visible(image)};
    s.extent = extent_of(s.layer.get());
    s.document = state_of(image, layer);
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
    if (part.empty()) fail_outside(from.document.source);
    return part;
}

namespace {

bool is_something_known(picture const& p, mask const& selection) {
    for (std::size_t i = 0; i < selection.values.size(); ++i)
        if (selection.values[i] <= 0 && p.pixels[4 * i + 3] > 0) return true;
    return false;
}

} // namespace

rect seen_of(rect const& frame, request const& r, rect const& hole) {
    rect const box = context_box(r, moved(hole, -frame.x, -frame.y), frame.width, frame.height);
    return moved(box, frame.x, frame.y);
}

void check_selection(GimpImage* image) {
    check_quick_mask(image);
    if (selected_box(image).empty()) fail_selecting_nothing();
}

namespace {

// They meet, or lie side by side.
bool touches(rect const& a, rect const& b) { return !intersect(grown(a, 1), b).empty(); }

std::optional<underlay> look_under(GimpImage* image, source_copy const& from, captured const& c) {
    rect const canvas{0, 0, gimp_image_get_width(image), gimp_image_get_height(image)},
        area = intersect(c.area, canvas);
    if (!c.keeps_recipe || area.empty()) return {};
    GimpLayer* const source = from.document.source;
    return source ? underlay_on(image, source, c.request.operation, area) : underlay_of(from.layer.get(), area);
}

// What an inpaint of `hole` needs to see of `frame`. Where the source ends it is transparent.
captured around(GimpImage* image, source_copy from, rect const& frame, rect const& hole, captured c) {
    c.area = seen_of(frame, c.request, hole);
    c.request.area = c.area;
    c.on = look_under(image, from, c);
    c.picture = read_picture(GIMP_DRAWABLE(from.layer.get()), moved(c.area, -from.extent.x, -from.extent.y),
                             colours_of(c.request));
    make_unknown_transparent(c.picture);
    c.document = std::move(from.document);
    return c;
}

// The pixels around the selection, and the selection; `beyond`: also where it goes on past the source.
captured capture_inpaint(GimpImage* image, GimpDrawable* const* drawables, captured c, bool beyond) {
    source_copy from = copy_source(image, drawables, c.request.source);
    check_selection(image);
    rect const source = from.extent, selected = selected_box(image);
    GimpLayer* const layer = from.document.source;
    if (beyond && !touches(selected, source)) fail_outside(layer);
    rect const hole = beyond ? selected : selected_part(image, from);
    c = around(image, std::move(from), united(source, hole), hole, std::move(c));
    // Zero where the area leaves the canvas.
    c.selection = read_mask(GIMP_DRAWABLE(gimp_image_get_selection(image)), c.area);
    if (bounds(c.selection).empty()) fail_outside(layer); // whatever its rectangle says
    if (layer && !is_something_known(c.picture, c.selection))
        fail(
            "The layer “{}” is empty around the selection, so there is nothing to fill from. Set Source to All visible "
            "layers, or activate the layer that has the picture.",
            name_of(GIMP_ITEM(layer)));
    return c;
}

// 1 where the canvas can be seen through the source.
mask emptiness(GimpImage* image, source_copy const& from) {
    rect const canvas{0, 0, gimp_image_get_width(image), gimp_image_get_height(image)};
    picture const seen =
        read_picture(GIMP_DRAWABLE(from.layer.get()), moved(canvas, -from.extent.x, -from.extent.y), colours::document);
    mask empty(canvas.width, canvas.height);
    for (std::size_t i = 0; i < empty.values.size(); ++i) empty.values[i] = !(seen.pixels[4 * i + 3] >= 1);
    return empty;
}

} // namespace

mask look_for_empty(GimpImage* image, GimpDrawable* const* drawables, source source) {
    source_copy const from = copy_source(image, drawables, source);
    rect const canvas{0, 0, gimp_image_get_width(image), gimp_image_get_height(image)};
    double const scale = std::min(1.0, 256.0 / std::max(canvas.width, canvas.height));
    mask cells = read_opacity(GIMP_DRAWABLE(from.layer.get()), moved(canvas, -from.extent.x, -from.extent.y), scale);
    for (float& v : cells.values) v = v < 0.999f;
    return cells;
}

namespace {

// All that is empty, and what is around it.
captured capture_empty(GimpImage* image, GimpDrawable* const* drawables, captured c) {
    source_copy from = copy_source(image, drawables, c.request.source);
    check_quick_mask(image);
    mask const empty = emptiness(image, from);
    rect const canvas{0, 0, empty.width, empty.height}, hole = bounds(empty);
    if (hole.empty())
        fail("Nothing is empty here. Enlarge the canvas (Image ▸ Canvas Size…), or select what shall be filled.");
    if (std::ranges::all_of(empty.values, [](float v) { return v > 0; }))
        fail("There is nothing here to expand: no pixel of the source is opaque.");
    c = around(image, std::move(from), canvas, hole, std::move(c));
    c.selection = crop(empty, c.area);
    return c;
}

mask selection_within(GimpImage* image, rect const& area) {
    mask m = read_mask(GIMP_DRAWABLE(gimp_image_get_selection(image)), area);
    return std::ranges::all_of(m.values, [](float v) { return v >= 1; }) ? mask() : m;
}

// What is selected of the source; without a selection all of it.
captured capture_img2img(GimpImage* image, GimpDrawable* const* drawables, captured c) {
    source_copy from = copy_source(image, drawables, c.request.source);
    check_quick_mask(image);
    bool const all = selected_box(image).empty();
    c.area = all ? from.extent : selected_part(image, from);
    c.on = look_under(image, from, c);
    rect const here = moved(c.area, -from.extent.x, -from.extent.y);
    c.picture = read_picture(GIMP_DRAWABLE(from.layer.get()), here, colours_of(c.request));
    make_unknown_transparent(c.picture);
    if (!all) c.selection = selection_within(image, c.area);
    c.document = std::move(from.document);
    return c;
}

// The place of what is selected; without a selection the canvas.
captured capture_txt2img(GimpImage* image, captured c) {
    check_image(image);
    check_quick_mask(image);
    c.area = selected_box(image);
    c.document = state_of(image, nullptr);
    if (c.area.empty())
        c.area = c.document.canvas;
    else
        c.selection = selection_within(image, c.area);
    return c;
}

} // namespace

captured capture(GimpImage* image, GimpDrawable* const* drawables, request request, bool keeps_recipe, reach to) {
    captured c{.request = std::move(request), .keeps_recipe = keeps_recipe};
    switch (c.request.operation) {
    case operation::txt2img: return capture_txt2img(image, std::move(c));
    case operation::img2img: return capture_img2img(image, drawables, std::move(c));
    case operation::inpaint: break;
    case operation::upscale: assert(!"its pixels are read when they are needed");
    }
    if (to == reach::empty) return capture_empty(image, drawables, std::move(c));
    return capture_inpaint(image, drawables, std::move(c), to == reach::beyond);
}

} // namespace sfumato
