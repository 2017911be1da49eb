#include "ui/panel_models.h"

#include "ui/model_chooser.h"
#include "ui/translated.h"

#include <filesystem>

namespace sfumato {

namespace {

// What Sfumato looks through first; made where it is missing, so that there is a place to put files.
void on_open_folder(GtkWidget* button, gpointer) {
    auto const folder = std::filesystem::path(g_get_user_data_dir()) / "sfumato" / "models";
    g_mkdir_with_parents(folder.c_str(), 0700);
    std::unique_ptr<char, decltype(&g_free)> const uri(g_filename_to_uri(folder.c_str(), nullptr, nullptr), g_free);
    gtk_show_uri_on_window(GTK_WINDOW(gtk_widget_get_toplevel(button)), uri.get(), GDK_CURRENT_TIME, nullptr);
}

GtkWidget* make_none() {
    GtkWidget* const box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    gtk_label_set_text(
        GTK_LABEL(add_paragraph(box)),
        _("Sfumato's own model draws icons and clip art. For photographs, put a file of Stable Diffusion "
          "into the folder, or choose one from elsewhere; without one, selections are filled with "
          "patches of their surroundings."));
    GtkWidget* const button = gtk_button_new_with_mnemonic(_("_Open the Folder of Models"));
    g_signal_connect(button, "clicked", G_CALLBACK(on_open_folder), nullptr);
    gtk_box_pack_start(GTK_BOX(box), button, FALSE, FALSE, 0);
    gtk_widget_show_all(box);
    gtk_widget_hide(box);
    gtk_widget_set_no_show_all(box, TRUE);
    return box;
}

// What a layer's recipe said of its model, and is not seen here, is not for another one.
void forget_other_model(GimpProcedureConfig* config, model_summary const&) {
    for (char const* argument : {"vae", "text-encoder", "text-encoder-2", "text-encoder-3", "scheduler", "prediction",
                                 "zero-terminal-snr", "clip-skip"})
        gimp_config_reset_property(G_OBJECT(config), argument);
}

} // namespace

panel_models add_models(panel_rows& rows) {
    GtkWidget* const none = make_none();
    auto const on_searched = [none](std::size_t count) { gtk_widget_set_visible(none, count == 0); };
    GtkWidget* const chooser = make_model_chooser(
        rows.config, "model", {.kind = model_kind::all, .on_picked = forget_other_model, .on_searched = on_searched});
    // Its tooltip is the file.
    rows.add(g_param_spec_get_nick(gimp_procedure_find_argument(rows.procedure, "model")), nullptr, chooser);
    rows.add_wide(none);
    return {chooser, none};
}

void look_again(panel_models const& m) {
    if (gtk_widget_get_visible(m.none)) search_again(m.chooser);
}

} // namespace sfumato
