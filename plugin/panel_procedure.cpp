#include "plugin/panel_procedure.h"

#include "plugin/panel_session.h"
#include "plugin/procedure.h"
#include "ui/translated.h"

#include <libgimp/gimpui.h>
#include <string_view>

namespace sfumato {

namespace {

// Ends when the window is closed; if it is open already, at once. Either way as if it were cancelled: nothing is kept
// with the image.
GimpValueArray* on_panel(GimpProcedure* procedure, GimpRunMode mode, GimpImage* image, GimpDrawable**,
                         GimpProcedureConfig*, gpointer) {
    return answer(procedure, [&] {
        if (mode != GIMP_RUN_INTERACTIVE)
            fail("The panel is a window. A script calls plug-in-sfumato-inpaint, -img2img or -txt2img.");
        show_panel(image, {});
        return gimp_procedure_new_return_values(procedure, GIMP_PDB_CANCEL, nullptr);
    });
}

// The user waits for it with a key in hand: nothing is set up that it does not need.
GimpValueArray* on_message(GimpProcedure* procedure, GimpRunMode, GimpImage* image, GimpDrawable**,
                           GimpProcedureConfig*, gpointer) {
    return answer(procedure, [&] {
        if (!tell_panel({panel_message::generate, gimp_image_get_id(image)}))
            fail("The panel is not open: choose Filters ▸ Sfumato ▸ Sfumato….");
        return gimp_procedure_new_return_values(procedure, GIMP_PDB_SUCCESS, nullptr);
    });
}

GimpProcedure* create(GimpPlugIn* plug_in, char const* name, GimpRunImageFunc run, char const* label, char const* blurb,
                      char const* help) {
    GimpProcedure* const procedure =
        gimp_image_procedure_new(plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN, run, nullptr, nullptr);
    describe(procedure, label, blurb, help);
    return procedure;
}

enum panel_message::what message_of(std::optional<task> t) {
    if (!t) return panel_message::show;
    switch (*t) {
    case task::refine: return panel_message::refine;
    case task::generate: return panel_message::create;
    case task::expand: return panel_message::expand;
    case task::fill: break;
    }
    return panel_message::fill;
}

} // namespace

GimpLayer* show_panel(GimpImage* image, std::optional<task> at) {
    panel_message const m{message_of(at), gimp_image_get_id(image)};
    if (tell_panel(m)) return nullptr;
    gegl_init(nullptr, nullptr);
    gimp_ui_init("gimp-sfumato");
    panel_session panel(image);
    panel.hear(m);
    return panel.run();
}

GimpProcedure* create_panel_procedure(GimpPlugIn* plug_in, char const* name) {
    if (name == std::string_view(panel_procedure))
        return create(
            plug_in, name, on_panel, _("_Sfumato…"), _("Fill, refine and generate, in a window that stays"),
            _("Opens a window beside the image: what is selected is filled or made anew, or a picture is generated, "
              "as often as you like while you go on working. Variants are shown in place; what you keep becomes a "
              "layer, in one undo step."));
    if (name != std::string_view(messenger_procedure)) return nullptr;
    return create(plug_in, name, on_message, _("_Generate with the Panel"),
                  _("Tell the open panel to start, with this image"),
                  _("For a key of your own: the panel, which is open, does what its button says, with this image."));
}

} // namespace sfumato
