#include "plugin/procedures.h"

#include "plugin/capture.h"
#include "plugin/deliver.h"
#include "plugin/engine_client.h"
#include "ui/dialog.h"
#include "ui/translated.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

void add_inpaint_arguments(GimpProcedure* procedure) {
    gimp_procedure_add_choice_argument(
        procedure, "method", _("_Method"), _("How the selection is filled"),
        gimp_choice_new_with_values("patchmatch", 0, _("Patches of the surroundings"),
                                    _("Needs no model: pieces of the picture are put together anew"), nullptr),
        "patchmatch", G_PARAM_READWRITE);
    gimp_procedure_add_choice_argument(procedure, "source", _("S_ource"), _("Which pixels are read"),
                                       gimp_choice_new_with_values("layer", 0, _("Active layer"), nullptr, //
                                                                   "visible", 1, _("All visible layers"), nullptr,
                                                                   nullptr),
                                       "layer", G_PARAM_READWRITE);
    gimp_procedure_add_choice_argument(
        procedure, "context", _("Con_text"), _("How much of the surroundings the fill may look at"),
        gimp_choice_new_with_values("automatic", 0, _("Automatic"), nullptr,     //
                                    "image", 1, _("All of the source"), nullptr, //
                                    "selection", 2, _("Bounds of the selection"), nullptr, nullptr),
        "automatic", G_PARAM_READWRITE);
    gimp_procedure_add_int_argument(
        procedure, "seed", _("See_d"),
        _("The same seed gives the same result. −1 chooses a new one each time; the layer's recipe records it."), -1,
        std::numeric_limits<int>::max(), -1, G_PARAM_READWRITE);
}

struct procedure_entry {
    char const* name;
    char const* operation; // as in a request
    char const* menu_label;
    char const* title;
    char const* blurb;
    char const* help;
    void (*add_arguments)(GimpProcedure*);
};

constexpr std::array procedures{procedure_entry{
    "plug-in-sfumato-inpaint", "inpaint", N_("_Inpaint Selection…"), N_("Inpaint Selection"),
    N_("Fill the selection from its surroundings"),
    N_("Fills the selected part of a layer, or of all that is visible, so that it looks as if the selected "
       "object had never been there. The result is a new layer with a layer mask; no pixel of the source "
       "is changed. The new layer's parasite “sfumato-recipe” tells how it was made."),
    add_inpaint_arguments}};

procedure_entry const* find_procedure(char const* name) {
    auto const found = std::ranges::find(procedures, std::string_view(name), &procedure_entry::name);
    return found == procedures.end() ? nullptr : &*found;
}

// The arguments have the names and the values that a request's JSON has.
request request_from(procedure_entry const& entry, GimpProcedureConfig* config) {
    nlohmann::json object{{"sfumato", request::version}, {"operation", entry.operation}};
    for (char const* name : {"method", "source", "context"}) {
        char* value = nullptr;
        g_object_get(config, name, &value, nullptr);
        object[name] = value;
        g_free(value);
    }
    int seed = -1;
    g_object_get(config, "seed", &seed, nullptr);
    object["seed"] = seed;
    request r = resolve_seed(request_from_json(object));
    r.seed &= std::numeric_limits<int>::max(); // so that the recipe's seed can be given as an argument again
    return r;
}

// Progress where GIMP shows it. GIMP's own Cancel ends this process at once, which the engine notices.
bool run_without_dialog(char const* title, steps steps) {
    gimp_progress_init(title);
    auto const deliver = steps.deliver;
    steps.deliver = [&] {
        gimp_progress_end(); // takes Cancel away, so that the layer arrives whole or not at all
        deliver();
    };
    std::atomic<bool> const never = false;
    return run_steps(
        steps,
        [](progress const& p) {
            gimp_progress_set_text(describe(p).c_str());
            gimp_progress_update(p.fraction);
        },
        never);
}

bool run_procedure(procedure_entry const& entry, GimpProcedure* procedure, GimpRunMode mode, GimpImage* image,
                   GimpDrawable** given, GimpProcedureConfig* config) {
    captured c;
    std::optional<run_result> result;
    bool const interactive = mode == GIMP_RUN_INTERACTIVE;
    steps const steps{[&] {
                          // While a dialog is open, another layer may be activated.
                          std::unique_ptr<GimpDrawable*[], decltype(&g_free)> const active(
                              interactive ? gimp_image_get_selected_drawables(image) : nullptr, g_free);
                          c = capture(image, interactive ? active.get() : given, request_from(entry, config));
                      },
                      [&](job const& job) {
                          result = engine_run(c.input, job);
                          return result.has_value();
                      },
                      [&] { deliver(image, c.layer, c.input.request, *result); }};
    return interactive ? run_in_dialog(procedure, config, _(entry.title), steps)
                       : run_without_dialog(_(entry.title), steps);
}

GimpValueArray* on_run(GimpProcedure* procedure, GimpRunMode mode, GimpImage* image, GimpDrawable** drawables,
                       GimpProcedureConfig* config, gpointer data) {
    auto const status = [&](GimpPDBStatusType type, GError* error = nullptr) {
        return gimp_procedure_new_return_values(procedure, type, error);
    };
    try {
        gegl_init(nullptr, nullptr);
        auto const& entry = *static_cast<procedure_entry const*>(data);
        return status(run_procedure(entry, procedure, mode, image, drawables, config) ? GIMP_PDB_SUCCESS
                                                                                      : GIMP_PDB_CANCEL);
    } catch (std::exception const& e) {
        return status(GIMP_PDB_EXECUTION_ERROR, g_error_new_literal(GIMP_PLUG_IN_ERROR, 0, e.what()));
    }
}

} // namespace

GList* procedure_names() {
    GList* names = nullptr;
    for (auto const& entry : procedures) names = g_list_append(names, g_strdup(entry.name));
    return names;
}

GimpProcedure* create_procedure(GimpPlugIn* plug_in, char const* name) {
    procedure_entry const* entry = find_procedure(name);
    if (!entry) return nullptr;
    GimpProcedure* procedure = gimp_image_procedure_new(plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN, on_run,
                                                        const_cast<procedure_entry*>(entry), nullptr);
    gimp_procedure_set_image_types(procedure, "*");
    // Always to be chosen, so that what is missing can be said in a sentence.
    gimp_procedure_set_sensitivity_mask(procedure, GIMP_PROCEDURE_SENSITIVE_DRAWABLE |
                                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLES |
                                                       GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES);
    gimp_procedure_set_menu_label(procedure, _(entry->menu_label));
    gimp_procedure_add_menu_path(procedure, "<Image>/Filters/Sfumato");
    gimp_procedure_set_documentation(procedure, _(entry->blurb), _(entry->help), nullptr);
    gimp_procedure_set_attribution(procedure, "Sfumato", "GPL-3.0-or-later", "2026");
    entry->add_arguments(procedure);
    return procedure;
}

} // namespace sfumato
