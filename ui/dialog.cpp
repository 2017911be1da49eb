#include "ui/dialog.h"

#include "ui/choice_argument.h"
#include "ui/model_chooser.h"
#include "ui/translated.h"

#include <algorithm>
#include <libgimp/gimpui.h>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sfumato {

namespace {

struct dialog {
    GimpProcedureDialog* window = nullptr;
    GtkWidget* status = nullptr;  // holds the two below
    GtkWidget* message = nullptr; // hidden while there is nothing to say
    GtkWidget* bar = nullptr;
    GtkWidget* note = nullptr;            // what will happen
    std::vector<GtkWidget*> taken_away{}; // what cannot be used while it runs, and could before
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

// Labels that GIMP makes are of one width.
void align_with_labels_of(dialog& d, GtkWidget* label, std::span<GParamSpec*> arguments) {
    for (GParamSpec* argument : arguments) {
        if (!G_IS_PARAM_SPEC_DOUBLE(argument)) continue;
        GtkWidget* const widget = gimp_procedure_dialog_get_widget(d.window, argument->name, G_TYPE_NONE);
        GtkSizeGroup* const group = gtk_size_group_new(GTK_SIZE_GROUP_HORIZONTAL);
        gtk_size_group_add_widget(group, label);
        gtk_size_group_add_widget(group, gimp_labeled_get_label(GIMP_LABELED(widget)));
        g_object_unref(group);
        return;
    }
}

// The argument's label and `widget`. Returns what names the row for filling.
char const* add_row(dialog& d, std::span<GParamSpec*> arguments, GParamSpec* argument, GtkWidget* widget) {
    std::string const name = argument->name, label_id = name + "-label", box_id = name + "-box";
    GtkWidget* const label =
        gimp_procedure_dialog_get_label(d.window, label_id.c_str(), g_param_spec_get_nick(argument), FALSE, TRUE);
    GtkWidget* const box = gimp_procedure_dialog_fill_box(d.window, box_id.c_str(), label_id.c_str(), nullptr);
    gtk_orientable_set_orientation(GTK_ORIENTABLE(box), GTK_ORIENTATION_HORIZONTAL);
    gtk_box_set_spacing(GTK_BOX(box), 6);
    gtk_box_pack_start(GTK_BOX(box), widget, TRUE, TRUE, 0);
    gtk_label_set_mnemonic_widget(GTK_LABEL(label), widget);
    align_with_labels_of(d, label, arguments);
    gtk_widget_set_tooltip_text(label, g_param_spec_get_blurb(argument));
    gtk_widget_show_all(box);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    return g_intern_string(box_id.c_str());
}

// What stands for an argument when the dialog is filled: its name, as GIMP shows it, or a row of ours.
char const* row_of(dialog& d, GimpProcedureConfig* config, dialog_look const& look, std::span<GParamSpec*> arguments,
                   GParamSpec* argument) {
    char const* const name = argument->name;
    if (std::string_view(name) == "model" && look.on_model_picked)
        return add_row(d, arguments, argument, make_model_chooser(config, name, {.on_picked = look.on_model_picked}));
    if (choice_list const* choices = choices_of(argument))
        return add_row(d, arguments, argument, make_choice_box(config, name, *choices));
    return name;
}

void fill(dialog& d, GimpProcedure* procedure, GimpProcedureConfig* config, dialog_look const& look) {
    int count = 0;
    GParamSpec** const first = gimp_procedure_get_arguments(procedure, &count);
    std::span const arguments(first, std::size_t(count));
    GList* names = nullptr;
    for (GParamSpec* argument : arguments) {
        std::string_view const name = argument->name;
        if (name == "run-mode" || name == "image" || name == "drawables") continue;
        if (std::ranges::find(look.rows, name) == look.rows.end()) continue;
        names = g_list_append(names, const_cast<char*>(row_of(d, config, look, arguments, argument)));
    }
    gimp_procedure_dialog_fill_list(d.window, names);
    g_list_free(names);
}

GtkWidget* make_note() {
    GtkWidget* label = gtk_label_new(nullptr);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(label), 50);
    gtk_label_set_width_chars(GTK_LABEL(label), 50);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    return label;
}

void build(dialog& d, GimpProcedure* procedure, GimpProcedureConfig* config, dialog_look const& look) {
    d.window = GIMP_PROCEDURE_DIALOG(gimp_procedure_dialog_new(procedure, config, look.title));
    gimp_procedure_dialog_set_ok_label(d.window, look.ok_label);
    fill(d, procedure, config, look);
    if (look.arrange) look.arrange(d.window);
    GtkWidget* content = gtk_dialog_get_content_area(GTK_DIALOG(d.window));
    d.status = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    d.message = make_message();
    d.bar = make_bar();
    d.note = make_note();
    gtk_box_pack_start(GTK_BOX(d.status), d.note, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(d.status), d.message, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(d.status), d.bar, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(content), d.status, FALSE, FALSE, 0);
    gtk_widget_show_all(d.status);
}

std::string note_of(dialog_look const& look) {
    try {
        return translated(look.note());
    } catch (std::exception const& e) {
        return translated(e);
    }
}

// The arguments may change, and with them the image, as long as the dialog waits; the image may also be closed.
struct kept_up {
    dialog& d;
    dialog_look const& look;
    guint const timer = g_timeout_add(500, on_timer, this);

    kept_up(dialog& d, dialog_look const& look) : d(d), look(look) { tell(); }
    kept_up(kept_up const&) = delete;
    ~kept_up() { g_source_remove(timer); }

    void tell() const {
        if (!look.is_open()) {
            gtk_dialog_response(GTK_DIALOG(d.window), GTK_RESPONSE_CANCEL);
            return;
        }
        std::string const note = note_of(look);
        gtk_label_set_text(GTK_LABEL(d.note), note.c_str());
        gtk_widget_set_visible(d.note, note != gtk_label_get_text(GTK_LABEL(d.message))); // nothing is said twice
    }
    static gboolean on_timer(gpointer self) {
        static_cast<kept_up*>(self)->tell();
        return G_SOURCE_CONTINUE;
    }
};

void show_progress(dialog& d, double fraction, std::string const& text) {
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(d.bar), std::clamp(fraction, 0.0, 1.0));
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(d.bar), text.c_str());
}

void show_message(dialog& d, std::string const& sentence) {
    gtk_label_set_text(GTK_LABEL(d.message), sentence.c_str());
    gtk_widget_set_visible(d.message, !sentence.empty());
}

// Takes away what can be used of `container`, except children that are or hold one of `spared`; adds them to `taken`.
void take_away(GtkWidget* container, std::initializer_list<GtkWidget*> spared, std::vector<GtkWidget*>& taken) {
    GList* const children = gtk_container_get_children(GTK_CONTAINER(container));
    for (GList* child = children; child; child = child->next) {
        auto* const widget = GTK_WIDGET(child->data);
        auto const holds = [&](GtkWidget* w) { return w == widget || gtk_widget_is_ancestor(w, widget); };
        if (!gtk_widget_get_sensitive(widget) || std::ranges::any_of(spared, holds)) continue;
        gtk_widget_set_sensitive(widget, FALSE);
        taken.push_back(widget);
    }
    g_list_free(children);
}

// While it runs, only the progress and Cancel can be used.
void set_running(dialog& d, bool running) {
    GtkWidget* const cancel = gtk_dialog_get_widget_for_response(GTK_DIALOG(d.window), GTK_RESPONSE_CANCEL);
    if (running) {
        take_away(gtk_dialog_get_content_area(GTK_DIALOG(d.window)), {d.status, cancel}, d.taken_away);
        take_away(gtk_widget_get_parent(cancel), {cancel}, d.taken_away);
    } else {
        for (GtkWidget* widget : std::exchange(d.taken_away, {})) gtk_widget_set_sensitive(widget, TRUE);
    }
    gtk_widget_grab_focus(running ? cancel : gtk_dialog_get_widget_for_response(GTK_DIALOG(d.window), GTK_RESPONSE_OK));
}

// Cancel, Escape or closing the window.
void on_response(GtkDialog*, int, gpointer data) { static_cast<dialog*>(data)->cancelled = true; }
gboolean on_delete(GtkWidget*, GdkEvent*, gpointer) { return TRUE; } // the window stays, the response comes as well

bool run_once(dialog& d, dialog_look const& look, steps const& steps) {
    d.cancelled = false;
    show_message(d, "");
    show_progress(d, 0, "");
    set_running(d, true);
    gulong const response = g_signal_connect(d.window, "response", G_CALLBACK(on_response), &d);
    gulong const closing = g_signal_connect(d.window, "delete-event", G_CALLBACK(on_delete), nullptr);
    bool delivered = false;
    try {
        delivered = run_steps(steps, {.show = [&](progress const& p) { show_progress(d, p.fraction, describe(p)); },
                                      .is_wanted = [&] { return !d.cancelled && look.is_open(); }});
    } catch (std::exception const& e) {
        show_message(d, translated(e).c_str());
    }
    g_signal_handler_disconnect(d.window, response);
    g_signal_handler_disconnect(d.window, closing);
    show_progress(d, 0, "");
    set_running(d, false);
    return delivered;
}

} // namespace

bool run_in_dialog(GimpProcedure* procedure, GimpProcedureConfig* config, dialog_look const& look, steps const& steps) {
    gimp_ui_init("gimp-sfumato");
    dialog d;
    build(d, procedure, config, look);
    bool delivered = false;
    while (!delivered && look.is_open()) {
        kept_up const now(d, look);
        if (!gimp_procedure_dialog_run(d.window)) break;
        delivered = run_once(d, look, steps);
    }
    gtk_widget_destroy(GTK_WIDGET(d.window));
    return delivered;
}

} // namespace sfumato
