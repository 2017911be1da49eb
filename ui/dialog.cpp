#include "ui/dialog.h"

#include "ui/translated.h"

#include <algorithm>
#include <libgimp/gimpui.h>

namespace sfumato {

namespace {

struct dialog {
    GimpProcedureDialog* window = nullptr;
    GtkWidget* status = nullptr;  // holds the two below
    GtkWidget* message = nullptr; // hidden while there is nothing to say
    GtkWidget* bar = nullptr;
    std::atomic<bool> cancelled = false;
};

GtkWidget* make_message() {
    GtkWidget* label = gtk_label_new(nullptr);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(label), 50);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_selectable(GTK_LABEL(label), TRUE);
    gtk_widget_set_can_focus(label, FALSE);
    gtk_widget_set_no_show_all(label, TRUE);
    gtk_style_context_add_class(gtk_widget_get_style_context(label), GTK_STYLE_CLASS_ERROR);
    atk_object_set_role(gtk_widget_get_accessible(label), ATK_ROLE_ALERT); // read aloud when it appears
    return label;
}

GtkWidget* make_bar() {
    GtkWidget* bar = gtk_progress_bar_new();
    gtk_progress_bar_set_show_text(GTK_PROGRESS_BAR(bar), TRUE);
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(bar), "");
    gtk_progress_bar_set_ellipsize(GTK_PROGRESS_BAR(bar), PANGO_ELLIPSIZE_END);
    return bar;
}

void build(dialog& d, GimpProcedure* procedure, GimpProcedureConfig* config, char const* title) {
    d.window = GIMP_PROCEDURE_DIALOG(gimp_procedure_dialog_new(procedure, config, title));
    gimp_procedure_dialog_set_ok_label(d.window, _("_Inpaint"));
    gimp_procedure_dialog_fill(d.window, nullptr);
    GtkWidget* content = gtk_dialog_get_content_area(GTK_DIALOG(d.window));
    d.status = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    d.message = make_message();
    d.bar = make_bar();
    gtk_box_pack_start(GTK_BOX(d.status), d.message, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(d.status), d.bar, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(content), d.status, FALSE, FALSE, 0);
    gtk_widget_show_all(d.status);
}

void show_progress(dialog& d, double fraction, std::string const& text) {
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(d.bar), std::clamp(fraction, 0.0, 1.0));
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(d.bar), text.c_str());
}

void show_message(dialog& d, char const* sentence) {
    gtk_label_set_text(GTK_LABEL(d.message), sentence);
    gtk_widget_set_visible(d.message, *sentence != 0);
}

// The children of `container`, except those that are or hold one of `spared`.
void set_others_sensitive(GtkWidget* container, std::initializer_list<GtkWidget*> spared, bool sensitive) {
    GList* const children = gtk_container_get_children(GTK_CONTAINER(container));
    for (GList* child = children; child; child = child->next) {
        auto* const widget = GTK_WIDGET(child->data);
        auto const holds = [&](GtkWidget* w) { return w == widget || gtk_widget_is_ancestor(w, widget); };
        if (std::ranges::none_of(spared, holds)) gtk_widget_set_sensitive(widget, sensitive);
    }
    g_list_free(children);
}

// While it runs, only the progress and Cancel can be used.
void set_running(dialog& d, bool running) {
    GtkWidget* const cancel = gtk_dialog_get_widget_for_response(GTK_DIALOG(d.window), GTK_RESPONSE_CANCEL);
    set_others_sensitive(gtk_dialog_get_content_area(GTK_DIALOG(d.window)), {d.status, cancel}, !running);
    set_others_sensitive(gtk_widget_get_parent(cancel), {cancel}, !running);
    gtk_widget_grab_focus(running ? cancel : gtk_dialog_get_widget_for_response(GTK_DIALOG(d.window), GTK_RESPONSE_OK));
}

// Cancel, Escape or closing the window.
void on_response(GtkDialog*, int, gpointer data) { static_cast<dialog*>(data)->cancelled = true; }
gboolean on_delete(GtkWidget*, GdkEvent*, gpointer) { return TRUE; } // the window stays, the response comes as well

bool run_once(dialog& d, steps const& steps) {
    d.cancelled = false;
    show_message(d, "");
    show_progress(d, 0, "");
    set_running(d, true);
    gulong const response = g_signal_connect(d.window, "response", G_CALLBACK(on_response), &d);
    gulong const closing = g_signal_connect(d.window, "delete-event", G_CALLBACK(on_delete), nullptr);
    bool delivered = false;
    try {
        delivered =
            run_steps(steps, [&](progress const& p) { show_progress(d, p.fraction, describe(p)); }, d.cancelled);
    } catch (std::exception const& e) {
        show_message(d, e.what());
    }
    g_signal_handler_disconnect(d.window, response);
    g_signal_handler_disconnect(d.window, closing);
    show_progress(d, 0, "");
    set_running(d, false);
    return delivered;
}

} // namespace

bool run_in_dialog(GimpProcedure* procedure, GimpProcedureConfig* config, char const* title, steps const& steps) {
    gimp_ui_init("gimp-sfumato");
    dialog d;
    build(d, procedure, config, title);
    bool delivered = false;
    while (!delivered && gimp_procedure_dialog_run(d.window)) delivered = run_once(d, steps);
    gtk_widget_destroy(GTK_WIDGET(d.window));
    return delivered;
}

} // namespace sfumato
