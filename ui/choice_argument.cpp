#include "ui/choice_argument.h"

#include <string>

namespace sfumato {

namespace {

GQuark key() { return g_quark_from_static_string("sfumato-choices"); }

} // namespace

void add_choice_argument(GimpProcedure* procedure, char const* name, char const* label, char const* blurb,
                         choice_list const& choices, char const* initial) {
    std::string names;
    for (choice_words const& w : choices) names += (names.empty() ? "" : ", ") + std::string(w.name);
    std::string const whole = std::string(blurb) + " (" + names + ")";
    gimp_procedure_add_string_argument(procedure, name, label, whole.c_str(), initial, G_PARAM_READWRITE);
    g_param_spec_set_qdata_full(gimp_procedure_find_argument(procedure, name), key(), new choice_list(choices),
                                [](gpointer list) { delete static_cast<choice_list*>(list); });
}

choice_list const* choices_of(GParamSpec* argument) {
    return static_cast<choice_list const*>(g_param_spec_get_qdata(argument, key()));
}

GtkWidget* make_choice_box(GimpProcedureConfig* config, char const* name, choice_list const& choices) {
    enum { id, label };
    GtkListStore* const list = gtk_list_store_new(2, G_TYPE_STRING, G_TYPE_STRING);
    for (choice_words const& w : choices)
        gtk_list_store_insert_with_values(list, nullptr, -1, id, w.name, label, w.label, -1);
    GtkWidget* const box = gimp_prop_string_combo_box_new(G_OBJECT(config), name, GTK_TREE_MODEL(list), id, label);
    g_object_unref(list);
    return box;
}

void ellipsize_choices(GtkWidget* box) {
    GList* const cells = gtk_cell_layout_get_cells(GTK_CELL_LAYOUT(box));
    for (GList* cell = cells; cell; cell = cell->next)
        g_object_set(cell->data, "ellipsize", PANGO_ELLIPSIZE_MIDDLE, "width-chars", 30, nullptr);
    g_list_free(cells);
}

} // namespace sfumato
