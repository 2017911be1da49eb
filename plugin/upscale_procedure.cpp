// plug-in-sfumato-upscale: a layer is enlarged, or restored, by a network.
#include "models/pipelines/upscale_in_parts.h"
#include "plugin/capture.h"
#include "plugin/engine_client.h"
#include "plugin/pixels.h"
#include "plugin/procedure.h"
#include "ui/translated.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <libgimp/gimpui.h>

namespace sfumato {

namespace {

enum class target { image, new_image, layer };

target target_of(GimpProcedureConfig* config) {
    std::string const name = text(config, "target");
    return name == "new-image" ? target::new_image : name == "layer" ? target::layer : target::image;
}

// One that has the old size only has the network's look.
double scale_of(GimpProcedureConfig* config) { return target_of(config) == target::layer ? 1 : real(config, "scale"); }

bool only_selection(call const& c) { return boolean(c.config, "selection-only") && !selected_box(c.image).empty(); }

request request_from(GimpProcedureConfig* config) {
    request r{.operation = operation::upscale};
    r.source = text(config, "source") == "visible" ? source::visible : source::layer;
    r.upscale.model = model_name(config, "model");
    r.upscale.scale = scale_of(config);
    return r;
}

struct upscale_run {
    sfumato::request request;
    sfumato::target target = target::image;
    source_copy from;
    rect area;              // of the source that is enlarged, in image coordinates
    bool is_masked = false; // the result shows where the selection is
    loose_layer made;
};

// A result behind a layer mask takes some of the surroundings with it, so that the network sees them.
constexpr int surroundings = 32;

rect with_surroundings(rect const& r) {
    return {r.x - surroundings, r.y - surroundings, r.width + 2 * surroundings, r.height + 2 * surroundings};
}

rect scaled(rect const& r, double scale) {
    return {int(std::lround(r.x * scale)), int(std::lround(r.y * scale)), upscaled(r.width, scale),
            upscaled(r.height, scale)};
}

rect canvas_of(GimpImage* image) { return {0, 0, gimp_image_get_width(image), gimp_image_get_height(image)}; }

void check_size(rect const& r) {
    if (r.width > GIMP_MAX_IMAGE_SIZE || r.height > GIMP_MAX_IMAGE_SIZE)
        fail_translated(_("{} × {} pixels are more than GIMP can hold; choose a smaller scale."), r.width, r.height);
}

void prepare(upscale_run& run, call const& c) {
    run = {.request = request_from(c.config), .target = target_of(c.config)};
    run.from = copy_source(c.image, c.drawables().data(), run.request.source);
    run.area = run.from.extent;
    double const scale = run.request.upscale.scale;
    if (only_selection(c)) {
        run.is_masked = run.target != target::new_image;
        rect const selected = selected_part(c.image, run.from);
        run.area = run.is_masked ? intersect(with_surroundings(selected), run.area) : selected;
        run.request.area = run.area;
    }
    rect const result = scaled(run.area, scale);
    check_size(result);
    if (run.target == target::image) check_size(scaled(canvas_of(c.image), scale));
    char const* const name = scale == 1 ? C_("layer name", "Restored") : C_("layer name", "Upscaled");
    run.made = make_layer(c.image, name, result.width, result.height,
                          gimp_drawable_has_alpha(GIMP_DRAWABLE(run.from.layer.get())));
    attach_recipe(run.made.get(), run.request);
}

bool compute(upscale_run& run, job const& j) {
    auto const read = [&](rect const& area) {
        picture p;
        rect const here = moved(area, run.area.x - run.from.extent.x, run.area.y - run.from.extent.y);
        on_main_thread([&] { p = read_picture(GIMP_DRAWABLE(run.from.layer.get()), here); });
        return p;
    };
    auto const write = [&](rect const& area, picture const& p) {
        on_main_thread([&] { write_picture(GIMP_DRAWABLE(run.made.get()), area.x, area.y, p); });
    };
    return upscale_in_parts(run.request, run.area.width, run.area.height,
                            {.read = read, .run = engine_run, .write = write}, j);
}

// The layer alone as an image like the old one.
GimpLayer* deliver_as_image(upscale_run& run, call const& c) {
    GimpDrawable* const made = GIMP_DRAWABLE(run.made.get());
    GimpImage* const image =
        gimp_image_new_with_precision(gimp_drawable_get_width(made), gimp_drawable_get_height(made),
                                      gimp_image_get_base_type(c.image), gimp_image_get_precision(c.image));
    check_delivered(image);
    gimp_image_undo_disable(image);
    if (GimpColorProfile* profile = gimp_image_get_color_profile(c.image)) {
        gimp_image_set_color_profile(image, profile);
        g_object_unref(profile);
    }
    double x = 72, y = 72;
    gimp_image_get_resolution(c.image, &x, &y);
    gimp_image_set_resolution(image, x, y);
    gimp_image_set_unit(image, gimp_image_get_unit(c.image));
    loose_layer layer(gimp_layer_new_from_drawable(made, image));
    check_delivered(layer && gimp_layer_set_offsets(layer.get(), 0, 0));
    attach_recipe(layer.get(), run.request);
    GimpLayer* const inserted = insert_layer(image, std::move(layer), nullptr);
    gimp_image_undo_enable(image);
    if (c.interactive) gimp_display_new(image);
    return inserted;
}

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

// A layer that is seen through would be seen twice, under its result: it is hidden, and the result is blended as it
// was.
void take_place_of(GimpLayer* source, GimpLayer* made) {
    gimp_layer_set_mode(made, gimp_layer_get_mode(source));
    gimp_layer_set_opacity(made, gimp_layer_get_opacity(source));
    gimp_item_set_visible(GIMP_ITEM(made), gimp_item_get_visible(GIMP_ITEM(source)));
    if (!gimp_item_get_lock_visibility(GIMP_ITEM(source))) gimp_item_set_visible(GIMP_ITEM(source), FALSE);
}

// In one undo step, of which nothing is done before the result is there.
GimpLayer* deliver_as_layer(upscale_run& run, call const& c) {
    double const scale = run.request.upscale.scale;
    rect const at = scaled(run.area, scale), canvas = scaled(canvas_of(c.image), scale);
    GimpLayer* const source = source_in(c.image, run);
    undo_step const step(c.image);
    if (run.target == target::image) check_delivered(gimp_image_scale(c.image, canvas.width, canvas.height));
    check_delivered(gimp_layer_set_offsets(run.made.get(), at.x, at.y));
    mask_result(run.made.get(), source, run.is_masked);
    GimpLayer* const made = insert_layer(c.image, std::move(run.made), source);
    if (source && !run.is_masked && is_seen_through(source)) take_place_of(source, made);
    return made;
}

} // namespace

void add_upscale_arguments(GimpProcedure* procedure) {
    gimp_procedure_add_file_argument(
        procedure, "model", _("_Model"),
        _("A file with an upscaling network (.pth, .safetensors or ncnn's .param); none: Sfumato's own"),
        GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, nullptr, G_PARAM_READWRITE);
    gimp_procedure_add_double_argument(
        procedure, "scale", _("Scal_e"),
        _("How many times as wide and as high, whatever the network's own; a restored layer keeps its size"), 1,
        upscale_settings::largest_scale, 2, G_PARAM_READWRITE);
    gimp_procedure_add_choice_argument(
        procedure, "target", _("_Target"), _("What becomes of the result"),
        gimp_choice_new_with_values(
            "image", 0, _("New layer, the image scaled to match"), _("All layers are scaled with the image"), //
            "new-image", 1, _("New image"), nullptr,                                                          //
            "layer", 2, _("New layer in the old size (restore)"),
            _("The network goes over the layer, and the result is brought back to the old size"), nullptr),
        "image", G_PARAM_READWRITE);
    add_source_argument(procedure);
    gimp_procedure_add_boolean_argument(procedure, "selection-only", _("Selection onl_y"),
                                        _("Only what is selected, with a layer mask from the selection, or as the new "
                                          "image. Without a selection: all."),
                                        FALSE, G_PARAM_READWRITE);
}

steps upscale_steps(call& c) {
    auto const run = std::make_shared<upscale_run>();
    return {.prepare = [&c, run] { prepare(*run, c); },
            .compute = [run](job const& j) { return compute(*run, j); },
            .deliver =
                [&c, run] {
                    c.made = run->target == target::new_image ? deliver_as_image(*run, c) : deliver_as_layer(*run, c);
                    gimp_displays_flush();
                },
            .clear = [run] { *run = {}; }};
}

void arrange_upscale_dialog(GimpProcedureDialog* dialog) {
    GimpValueArray* const fixed = gimp_value_array_new(1);
    GValue layer = G_VALUE_INIT;
    g_value_set_static_string(g_value_init(&layer, G_TYPE_STRING), "layer");
    gimp_value_array_append(fixed, &layer);
    gimp_procedure_dialog_set_sensitive_if_in(dialog, "scale", nullptr, "target", fixed, FALSE); // takes `fixed`
}

std::string upscale_note(call const& c) {
    rect const canvas = canvas_of(c.image), larger = scaled(canvas, scale_of(c.config));
    switch (target_of(c.config)) {
    case target::image:
        return format_translated(_("The whole image with all its layers is scaled from {} × {} to {} × {} pixels. One "
                                   "undo brings everything back."),
                                 canvas.width, canvas.height, larger.width, larger.height);
    case target::layer:
        return format_translated(_("The image keeps its size of {} × {} pixels."), canvas.width, canvas.height);
    case target::new_image: break;
    }
    auto const drawables = c.drawables();
    bool const one = text(c.config, "source") == "layer" && drawables.size() == 2 && GIMP_IS_LAYER(drawables[0]);
    rect from = one ? extent_of(GIMP_LAYER(drawables[0])) : canvas;
    if (only_selection(c)) from = intersect(from, selected_box(c.image));
    if (from.empty()) return "";
    rect const made = scaled(from, scale_of(c.config));
    return format_translated(_("A new image of {} × {} pixels is made; this one stays as it is."), made.width,
                             made.height);
}

} // namespace sfumato
