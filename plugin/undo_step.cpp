#include "plugin/undo_step.h"

#include "plugin/active_items.h"
#include "plugin/layers.h"
#include "ui/translated.h"

#include <exception>

namespace sfumato {

namespace {

struct undo_group {
    GimpImage* image;

    explicit undo_group(GimpImage* image) : image(image) { gimp_image_undo_group_start(image); }
    undo_group(undo_group const&) = delete;
    ~undo_group() { gimp_image_undo_group_end(image); }
};

struct step {
    GimpImage* image;
    std::function<void()> const& what;
    bool begun = false;
    std::exception_ptr thrown{};
};

GimpValueArray* on_step(GimpProcedure* procedure, GimpProcedureConfig*, gpointer data) {
    auto& s = *static_cast<step*>(data);
    s.begun = true;
    try {
        undo_group const group(s.image);
        active_items const active(s.image);
        s.what();
    } catch (...) {
        s.thrown = std::current_exception();
    }
    return gimp_procedure_new_return_values(procedure, GIMP_PDB_SUCCESS, nullptr);
}

} // namespace

// GIMP calls a step as the menu calls the procedure that does it, and has no other way to name one: it is done by a
// procedure of its own, which exists no longer than the step takes.
void as_undo_step(GimpImage* image, sentence const& name, std::function<void()> const& what) {
    constexpr char const* id = "plug-in-sfumato-step";
    step s{image, what};
    GimpPlugIn* const plug_in = gimp_get_plug_in();
    GimpProcedure* const procedure =
        gimp_procedure_new(plug_in, id, GIMP_PDB_PROC_TYPE_TEMPORARY, on_step, &s, nullptr);
    gimp_procedure_set_menu_label(procedure, translated(name).c_str());
    gimp_plug_in_add_temp_procedure(plug_in, procedure);
    gimp_value_array_unref(gimp_procedure_run_config(procedure, nullptr));
    gimp_plug_in_remove_temp_procedure(plug_in, id);
    // That is not answered, and GIMP reads but one message of a plug-in that has ended: a question lies between this
    // and the last one, which says how the run went.
    gimp_image_is_valid(image);
    g_object_unref(procedure);
    if (s.thrown) std::rethrow_exception(s.thrown);
    check_delivered(s.begun);
}

} // namespace sfumato
