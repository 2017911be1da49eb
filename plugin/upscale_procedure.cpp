// plug-in-sfumato-upscale: a layer is enlarged, or restored, by a network.
#include "engine/client.h"
#include "plugin/arguments.h"
#include "plugin/capture.h"
#include "plugin/pixels.h"
#include "plugin/procedure.h"
#include "plugin/result_mask.h"
#include "plugin/upscale_deliver.h"
#include "ui/translated.h"

#include <filesystem>
#include <libgimp/gimpui.h>

namespace sfumato {

namespace {

target target_of(GimpProcedureConfig* config) {
    check_choice(config, "target", {"image", "new-image", "layer"});
    std::string const name = text(config, "target");
    return name == "new-image" ? target::new_image : name == "layer" ? target::layer : target::image;
}

// For a layer in the old size, the engine brings what the network makes back to it.
double scale_of(GimpProcedureConfig* config) { return target_of(config) == target::layer ? 1 : real(config, "scale"); }

rect canvas_of(GimpImage* image) { return {0, 0, gimp_image_get_width(image), gimp_image_get_height(image)}; }

bool only_selection(call const& c) {
    if (!boolean(c.config, "selection-only")) return false;
    check_quick_mask(c.image);
    return !selected_box(c.image).empty();
}

request request_of(GimpProcedureConfig* config) {
    request r = request_from(config, operation::upscale);
    r.upscale.scale = scale_of(config);
    return resolve(r);
}

// A result behind a layer mask takes some of the surroundings with it, so that the network sees them.
constexpr int surroundings = 32;

rect with_surroundings(rect const& r) {
    return {r.x - surroundings, r.y - surroundings, r.width + 2 * surroundings, r.height + 2 * surroundings};
}

void check_size(rect const& r) {
    if (r.width > GIMP_MAX_IMAGE_SIZE || r.height > GIMP_MAX_IMAGE_SIZE)
        fail("{} × {} pixels are more than GIMP can hold; choose a smaller scale.", r.width, r.height);
}

sentence name_of_result(request const& r) {
    std::string const model = std::filesystem::path(r.upscale.model).stem().string();
    return r.upscale.scale == 1 ? say("Restored ({})", model) : say("Upscaled (×{}, {})", r.upscale.scale, model);
}

void prepare(upscale_run& run, call const& c) {
    run = {.request = request_of(c.config), .target = target_of(c.config)};
    run.from = copy_source(c.image, c.drawables().data(), run.request.source);
    run.area = run.from.extent;
    double const scale = run.request.upscale.scale;
    if (only_selection(c)) {
        run.is_masked = true;
        rect const selected = selected_part(c.image, run.from);
        // An image of its own has the selection's size.
        run.area = run.target == target::new_image ? selected : intersect(with_surroundings(selected), run.area);
        run.request.area = run.area;
        mask_by_selection(run.from.layer.get(), run.area, c.image);
    }
    rect const result = scaled(run.area, scale);
    check_size(result);
    if (run.target == target::image) check_size(scaled(run.from.document.canvas, scale));
    run.name = name_of_result(run.request);
    run.made = make_layer(c.image, translated(run.name).c_str(), result.width, result.height,
                          gimp_drawable_has_alpha(GIMP_DRAWABLE(run.from.layer.get())));
    if (boolean(c.config, keeps_recipe)) attach_recipe(run.made.get(), run.request);
}

// Has the source's pixels and takes the result's, a part at a time. Both layers go when the image is closed.
struct layers_client final : run_client {
    upscale_run& run;

    explicit layers_client(upscale_run& run) : run(run) {}
    std::optional<picture> read_picture(std::string_view, rect const& area) override {
        std::optional<picture> p;
        rect const here = moved(area, run.area.x - run.from.extent.x, run.area.y - run.from.extent.y);
        on_main_thread([&] {
            GimpLayer* const from = run.from.layer.get();
            if (gimp_item_is_valid(GIMP_ITEM(from))) p = sfumato::read_picture(GIMP_DRAWABLE(from), here);
        });
        return p;
    }
    std::optional<mask> read_mask(std::string_view, rect const&) override { return std::nullopt; } // there is none
    void take(run_result r) override {
        on_main_thread([&] {
            GimpLayer* const made = run.made.get();
            if (gimp_item_is_valid(GIMP_ITEM(made))) write_picture(GIMP_DRAWABLE(made), r.x, r.y, r.picture);
        });
    }
};

bool compute(upscale_run& run, job const& j) {
    layers_client client(run);
    return engine_run({.request = run.request, .pictures = {{"picture", run.area.width, run.area.height}}}, client, j);
}

} // namespace

void add_upscale_arguments(GimpProcedure* procedure) {
    add_argument(procedure, operation::upscale, "model", _("_Model"),
                 _("A file with an upscaling network (.pth, .safetensors or ncnn's .param); none: Sfumato's own"));
    add_argument(procedure, operation::upscale, "scale", _("Sc_ale"),
                 _("How many times as wide and as high, whatever the network's own; a restored layer keeps its size"));
    add_choice_argument(procedure, "target", _("_Target"), _("What becomes of the result"),
                        {{"image", _("New layer, the image scaled to match")},
                         {"new-image", _("New image")},
                         {"layer", _("New layer in the old size (restore)")}},
                        "image");
    add_source_argument(procedure, operation::upscale);
    gimp_procedure_add_boolean_argument(procedure, "selection-only", _("Selection onl_y"),
                                        _("Only what is selected, with a layer mask from the selection. Without a "
                                          "selection: all."),
                                        FALSE, G_PARAM_READWRITE);
    add_recipe_argument(procedure);
}

steps upscale_steps(call& c) {
    auto const run = std::make_shared<upscale_run>();
    return {.prepare = [&c, run] { prepare(*run, c); },
            .compute = [run](job const& j) { return compute(*run, j); },
            .deliver =
                [&c, run] {
                    c.made = run->target == target::new_image ? deliver_as_image(*run, c.image)
                                                              : deliver_as_layer(*run, c.image);
                    if (run->target == target::new_image && c.is_interactive())
                        gimp_display_new(gimp_item_get_image(GIMP_ITEM(c.made)));
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

// Whoever chooses a network that enlarges four times expects four times. A file that cannot be used is told of when it
// is to be.
void set_scale_of_model(GimpProcedureConfig* config, model_summary const& model) {
    if (model.is_upscaler()) g_object_set(config, "scale", double(model.factor), nullptr);
}

sentence upscale_note(call const& c) {
    rect const canvas = canvas_of(c.image), larger = scaled(canvas, scale_of(c.config));
    switch (target_of(c.config)) {
    case target::image:
        return say("The whole image with all its layers is scaled from {} × {} to {} × {} pixels. One undo brings "
                   "everything back.",
                   canvas.width, canvas.height, larger.width, larger.height);
    case target::layer: return say("The image keeps its size of {} × {} pixels.", canvas.width, canvas.height);
    case target::new_image: break;
    }
    auto const drawables = c.drawables();
    bool const one = text(c.config, "source") == "layer" && drawables.size() == 2 && GIMP_IS_LAYER(drawables[0]);
    rect from = one ? extent_of(GIMP_LAYER(drawables[0])) : canvas;
    if (only_selection(c)) from = intersect(from, selected_box(c.image));
    if (from.empty()) return {};
    rect const made = scaled(from, scale_of(c.config));
    return say("A new image of {} × {} pixels is made; this one stays as it is.", made.width, made.height);
}

} // namespace sfumato
