#include "plugin/panel_procedure.h"

#include "plugin/panel_session.h"
#include "plugin/panel_task.h"
#include "ui/translated.h"

#include <libgimp/gimpui.h>
#include <string_view>

namespace sfumato {

namespace {

// Runs `what`; an error becomes the procedure's, in one sentence.
GimpValueArray* answer(GimpProcedure* procedure, std::function<void()> const& what) {
    gimp_plug_in_set_pdb_error_handler(gimp_get_plug_in(), GIMP_PDB_ERROR_HANDLER_PLUGIN);
    try {
        what();
        return gimp_procedure_new_return_values(procedure, GIMP_PDB_SUCCESS, nullptr);
    } catch (std::exception const& e) {
        return gimp_procedure_new_return_values(procedure, GIMP_PDB_EXECUTION_ERROR,
                                                g_error_new_literal(GIMP_PLUG_IN_ERROR, 0, translated(e).c_str()));
    }
}

// Ends when the window is closed; if it is open already, at once.
GimpValueArray* on_panel(GimpProcedure* procedure, GimpRunMode mode, GimpImage* image, GimpDrawable**,
                         GimpProcedureConfig* config, gpointer) {
    return answer(procedure, [&] {
        if (mode != GIMP_RUN_INTERACTIVE)
            fail("The panel is a window. A script calls plug-in-sfumato-inpaint, -img2img or -txt2img.");
        if (tell_panel({panel_message::show, gimp_image_get_id(image)})) return;
        gegl_init(nullptr, nullptr);
        gimp_ui_init("gimp-sfumato");
        panel_session(procedure, config, image).run();
    });
}

// The user waits for it with a key in hand: nothing is set up that it does not need.
GimpValueArray* on_message(GimpProcedure* procedure, GimpRunMode, GimpImage* image, GimpDrawable**,
                           GimpProcedureConfig*, gpointer) {
    return answer(procedure, [&] {
        if (!tell_panel({panel_message::generate, gimp_image_get_id(image)}))
            fail("The panel is not open: choose Filters ▸ Sfumato ▸ Sfumato….");
    });
}

GimpProcedure* create(GimpPlugIn* plug_in, char const* name, GimpRunImageFunc run, char const* label, char const* blurb,
                      char const* help) {
    GimpProcedure* const procedure =
        gimp_image_procedure_new(plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN, run, nullptr, nullptr);
    gimp_procedure_set_image_types(procedure, "*");
    gimp_procedure_set_sensitivity_mask(procedure, GIMP_PROCEDURE_SENSITIVE_DRAWABLE |
                                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLES |
                                                       GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES);
    gimp_procedure_set_menu_label(procedure, label);
    gimp_procedure_add_menu_path(procedure, "<Image>/Filters/Sfumato");
    gimp_procedure_set_documentation(procedure, blurb, help, nullptr);
    gimp_procedure_set_attribution(procedure, "Sfumato", "GPL-3.0-or-later", "2026");
    return procedure;
}

} // namespace

GimpProcedure* create_panel_procedure(GimpPlugIn* plug_in, char const* name) {
    if (name == std::string_view(panel_procedure)) {
        GimpProcedure* const panel = create(
            plug_in, name, on_panel, _("_Sfumato…"), _("Fill, refine and generate, in a window that stays"),
            _("Opens a window beside the image: what is selected is filled or made anew, or a picture is generated, "
              "as often as you like while you go on working. Variants are shown in place; what you keep becomes a "
              "layer, in one undo step."));
        add_panel_arguments(panel);
        return panel;
    }
    if (name != std::string_view(messenger_procedure)) return nullptr;
    return create(plug_in, name, on_message, _("_Generate with the Panel"),
                  _("Tell the open panel to start, with this image"),
                  _("For a key of your own: the panel, which is open, does what its button says, with this image."));
}

} // namespace sfumato
