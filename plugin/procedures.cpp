#include "plugin/procedures.h"

#include "plugin/panel_procedure.h"
#include "plugin/procedure.h"
#include "ui/translated.h"

#include <algorithm>
#include <array>
#include <libgimp/gimpui.h>
#include <optional>
#include <utility>

namespace sfumato {

namespace {

struct procedure_entry {
    char const* name;
    char const* menu_label; // null: it has no menu entry
    char const* title;
    char const* blurb;
    char const* help;
    void (*add_arguments)(GimpProcedure*);
    sfumato::steps (*steps)(call&);
    std::optional<task> shown_as = {}; // of the panel, when it is called interactively; nothing: it has a dialog
};

constexpr std::array upscale_rows{"model", "scale", "target", "source", "selection-only"};

constexpr std::array procedures{
    procedure_entry{.name = "plug-in-sfumato-inpaint",
                    .menu_label = N_("_Inpaint Selection…"),
                    .title = N_("Inpaint Selection"),
                    .blurb = N_("Fill the selection from its surroundings"),
                    .help = N_("Fills the selected part of a layer, or of all that is visible: with patches of its "
                               "surroundings or by LaMa, so that it looks as if the selected object had never been "
                               "there, or with a diffusion model, after words. The result is a new layer with a layer "
                               "mask; no pixel of the source is changed. The new layer's parasite “sfumato-recipe” "
                               "tells how it was made."),
                    .add_arguments = add_inpaint_arguments,
                    .steps = inpaint_steps,
                    .shown_as = task::fill},
    procedure_entry{.name = "plug-in-sfumato-txt2img",
                    .menu_label = nullptr,
                    .title = N_("Generate"),
                    .blurb = N_("Make a picture from words"),
                    .help = N_("Makes a picture from words with a diffusion model. The result is a new layer on top of "
                               "all others, where the selection is, or without one of the canvas's size. The new "
                               "layer's parasite “sfumato-recipe” tells how it was made."),
                    .add_arguments = add_txt2img_arguments,
                    .steps = txt2img_steps,
                    .shown_as = task::generate},
    procedure_entry{.name = "plug-in-sfumato-img2img",
                    .menu_label = nullptr,
                    .title = N_("Refine"),
                    .blurb = N_("Make a layer anew, after words"),
                    .help = N_("Makes a layer, or all that is visible, anew with a diffusion model, after words; of it "
                               "what is selected, if anything is. The result is a new layer above the source, of which "
                               "no pixel is changed. The new layer's parasite “sfumato-recipe” tells how it was made."),
                    .add_arguments = add_img2img_arguments,
                    .steps = img2img_steps,
                    .shown_as = task::refine},
    procedure_entry{
        .name = "plug-in-sfumato-upscale",
        .menu_label = N_("_Upscale Layer…"),
        .title = N_("Upscale Layer"),
        .blurb = N_("Enlarge or restore a layer with a network that knows what pictures look like"),
        .help = N_("Enlarges a layer, or all that is visible, with an upscaling network: Sfumato's own, or "
                   "one from a file. The result is a new layer, and the image is scaled to match it; or a "
                   "new image; or a new layer in the old size, restored. It has the source's layer mask and "
                   "opacity and, within the image, its blend mode; made of the selection only, it lies there "
                   "over the source instead, opaque, with a layer mask. The source layer stays, scaled by GIMP "
                   "where the image is; one that can be seen through and is enlarged as a whole is hidden, so "
                   "that it is not seen twice. The new layer's parasite “sfumato-recipe” tells how it was made."),
        .add_arguments = add_upscale_arguments,
        .steps = upscale_steps},
};

procedure_entry const* find_procedure(char const* name) {
    auto const found = std::ranges::find(procedures, std::string_view(name), &procedure_entry::name);
    return found == procedures.end() ? nullptr : &*found;
}

// Progress where GIMP shows it. GIMP's own Cancel ends this process at once, which the engine notices.
bool run_without_dialog(char const* title, steps steps, call const& c) {
    gimp_progress_init(title);
    auto const deliver = steps.deliver;
    steps.deliver = [&] {
        gimp_progress_end(); // takes Cancel away, so that the layer arrives whole or not at all
        deliver();
    };
    auto const show = [](progress const& p) {
        gimp_progress_set_text(describe(p).c_str());
        gimp_progress_update(p.fraction);
    };
    bool const done = run_steps(steps, {.show = show, .is_wanted = [&] { return c.is_open(); }});
    if (!done && !c.is_open()) fail("The image was closed; the run has ended without a result.");
    return done;
}

bool run_in_upscale_dialog(char const* title, steps const& steps, GimpProcedure* procedure, call const& c) {
    return run_in_dialog(procedure, c.config,
                         {.title = title,
                          .ok_label = _("_Upscale"),
                          .rows = upscale_rows,
                          .arrange = arrange_upscale_dialog,
                          .on_model_picked = set_scale_of_model,
                          .note = [&] { return upscale_note(c); },
                          .is_open = [&] { return c.is_open(); }},
                         steps);
}

// True: `made` has the result.
bool run_procedure(procedure_entry const& entry, GimpProcedure* procedure, call& c) {
    if (c.is_interactive() && entry.shown_as) {
        c.made = show_panel(c.image, entry.shown_as);
        return c.made != nullptr;
    }
    gegl_init(nullptr, nullptr);
    steps const steps = entry.steps(c);
    return c.is_interactive() ? run_in_upscale_dialog(_(entry.title), steps, procedure, c)
                              : run_without_dialog(_(entry.title), steps, c);
}

GimpValueArray* on_run(GimpProcedure* procedure, GimpRunMode mode, GimpImage* image, GimpDrawable** drawables,
                       GimpProcedureConfig* config, gpointer data) {
    return answer(procedure, [&] {
        auto const& entry = *static_cast<procedure_entry const*>(data);
        call c{image, drawables, config, mode};
        if (!run_procedure(entry, procedure, c))
            return gimp_procedure_new_return_values(procedure, GIMP_PDB_CANCEL, nullptr);
        GimpValueArray* const values = gimp_procedure_new_return_values(procedure, GIMP_PDB_SUCCESS, nullptr);
        g_value_set_object(gimp_value_array_index(values, 1), c.made);
        return values;
    });
}

} // namespace

std::vector<GimpDrawable*> call::drawables() const {
    std::unique_ptr<GimpDrawable*[], decltype(&g_free)> const selected(
        is_interactive() ? gimp_image_get_selected_drawables(image) : nullptr, g_free);
    std::vector<GimpDrawable*> all;
    for (GimpDrawable* const* d = is_interactive() ? selected.get() : given; d && *d; ++d) all.push_back(*d);
    all.push_back(nullptr);
    return all;
}

void describe(GimpProcedure* procedure, char const* menu_label, char const* blurb, char const* help) {
    gimp_procedure_set_image_types(procedure, "*");
    gimp_procedure_set_sensitivity_mask(procedure, GIMP_PROCEDURE_SENSITIVE_DRAWABLE |
                                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLES |
                                                       GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES);
    if (menu_label) {
        gimp_procedure_set_menu_label(procedure, menu_label);
        gimp_procedure_add_menu_path(procedure, "<Image>/Filters/Sfumato");
    }
    gimp_procedure_set_documentation(procedure, blurb, help, nullptr);
    gimp_procedure_set_attribution(procedure, "Sfumato", "GPL-3.0-or-later", "2026");
}

GimpValueArray* answer(GimpProcedure* procedure, std::function<GimpValueArray*()> const& run) {
    gimp_plug_in_set_pdb_error_handler(gimp_get_plug_in(), GIMP_PDB_ERROR_HANDLER_PLUGIN);
    try {
        return run();
    } catch (std::exception const& e) {
        return gimp_procedure_new_return_values(procedure, GIMP_PDB_EXECUTION_ERROR,
                                                g_error_new_literal(GIMP_PLUG_IN_ERROR, 0, translated(e).c_str()));
    }
}

GList* procedure_names() {
    GList* names = g_list_append(nullptr, g_strdup(panel_procedure));
    names = g_list_append(names, g_strdup(messenger_procedure));
    for (auto const& entry : procedures) names = g_list_append(names, g_strdup(entry.name));
    return names;
}

GimpProcedure* create_procedure(GimpPlugIn* plug_in, char const* name) {
    procedure_entry const* entry = find_procedure(name);
    if (!entry) return create_panel_procedure(plug_in, name);
    GimpProcedure* procedure = gimp_image_procedure_new(plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN, on_run,
                                                        const_cast<procedure_entry*>(entry), nullptr);
    describe(procedure, entry->menu_label ? _(entry->menu_label) : nullptr, _(entry->blurb), _(entry->help));
    entry->add_arguments(procedure);
    gimp_procedure_add_layer_return_value(procedure, "layer", _("Layer"), _("The new layer"), TRUE, G_PARAM_READWRITE);
    return procedure;
}

} // namespace sfumato
