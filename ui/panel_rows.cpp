#include "ui/panel_rows.h"

#include "ui/translated.h"

#include <cmath>
#include <string>
#include <string_view>

namespace sfumato {

GtkWidget* add_paragraph(GtkWidget* box) {
    GtkWidget* const label = gtk_label_new(nullptr);
    gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(label), 40);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_box_pack_start(GTK_BOX(box), label, FALSE, FALSE, 0);
    return label;
}

panel_rows::panel_rows(GimpProcedure* procedure, GimpProcedureConfig* config)
    : procedure(procedure), config(config), grid(GTK_GRID(gtk_grid_new())) {
    gtk_grid_set_row_spacing(grid, 6);
    gtk_grid_set_column_spacing(grid, 6);
}

std::string panel_rows::label_of(char const* text) const {
    std::string label = text;
    if (!has_mnemonics) std::erase(label, '_');
    return label;
}

GtkWidget* panel_rows::add(char const* text, char const* tooltip, GtkWidget* widget) {
    GtkWidget* const label = gtk_label_new_with_mnemonic(label_of(text).c_str());
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_mnemonic_widget(GTK_LABEL(label), widget);
    gtk_widget_set_tooltip_text(label, tooltip);
    gtk_widget_set_tooltip_text(widget, tooltip);
    gtk_widget_set_hexpand(widget, TRUE);
    gtk_grid_attach(grid, label, 0, count, 1, 1);
    gtk_grid_attach(grid, widget, 1, count++, 1, 1);
    return widget;
}

void panel_rows::add_wide(GtkWidget* widget) {
    gtk_widget_set_hexpand(widget, TRUE);
    gtk_grid_attach(grid, widget, 0, count++, 2, 1);
}

GtkWidget* panel_rows::add(char const* name, GtkWidget* widget) {
    GParamSpec* const argument = gimp_procedure_find_argument(procedure, name);
    return add(g_param_spec_get_nick(argument), g_param_spec_get_blurb(argument), widget);
}

GtkWidget* panel_rows::add_check(char const* name) {
    GParamSpec* const argument = gimp_procedure_find_argument(procedure, name);
    GtkWidget* const button =
        gimp_prop_check_button_new(G_OBJECT(config), name, label_of(g_param_spec_get_nick(argument)).c_str());
    gtk_widget_set_tooltip_text(button, g_param_spec_get_blurb(argument));
    add_wide(button);
    return button;
}

GtkWidget* panel_rows::add_text(char const* name, int lines) {
    GtkTextBuffer* const buffer = gimp_prop_text_buffer_new(G_OBJECT(config), name, -1);
    GtkWidget* const view = gtk_text_view_new_with_buffer(buffer);
    g_object_unref(buffer);
    gtk_text_view_set_wrap_mode(GTK_TEXT_VIEW(view), GTK_WRAP_WORD_CHAR);
    gtk_text_view_set_accepts_tab(GTK_TEXT_VIEW(view), FALSE);
    gtk_text_view_set_left_margin(GTK_TEXT_VIEW(view), 4);
    gtk_text_view_set_right_margin(GTK_TEXT_VIEW(view), 4);
    GtkWidget* const scrolled = gtk_scrolled_window_new(nullptr, nullptr);
    gtk_scrolled_window_set_shadow_type(GTK_SCROLLED_WINDOW(scrolled), GTK_SHADOW_IN);
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
    gtk_scrolled_window_set_min_content_height(GTK_SCROLLED_WINDOW(scrolled), 20 * lines);
    gtk_container_add(GTK_CONTAINER(scrolled), view);
    add(name, scrolled);
    gtk_label_set_mnemonic_widget(GTK_LABEL(gtk_grid_get_child_at(grid, 0, count - 1)), view);
    return view;
}

GtkWidget* panel_rows::add_choice(char const* name, choice_list const& choices) {
    return add(name, make_choice_box(config, name, choices));
}

GtkWidget* panel_rows::add_choice(char const* name) {
    return add_choice(name, *choices_of(gimp_procedure_find_argument(procedure, name)));
}

GtkWidget* panel_rows::add_slider(char const* name, double step, int digits) {
    GtkWidget* const box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    GtkWidget* const number = gimp_prop_spin_button_new(G_OBJECT(config), name, step, 10 * step, digits);
    GtkWidget* const slider =
        gtk_scale_new(GTK_ORIENTATION_HORIZONTAL, gtk_spin_button_get_adjustment(GTK_SPIN_BUTTON(number)));
    gtk_scale_set_draw_value(GTK_SCALE(slider), FALSE);
    gtk_box_pack_start(GTK_BOX(box), slider, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(box), number, FALSE, FALSE, 0);
    add(name, box);
    auto* const label = GTK_LABEL(gtk_grid_get_child_at(grid, 0, count - 1));
    gtk_label_set_mnemonic_widget(label, number);
    atk_object_set_name(gtk_widget_get_accessible(slider), gtk_label_get_text(label));
    return number;
}

namespace {

bool is_left(GtkSpinButton* number) {
    double least = 0;
    gtk_spin_button_get_range(number, &least, nullptr);
    return gtk_spin_button_get_value(number) <= least;
}

gboolean on_output(GtkSpinButton* number, gpointer) {
    if (!is_left(number)) return FALSE;
    if (std::string_view(gtk_entry_get_text(GTK_ENTRY(number))) != _("Automatic"))
        gtk_entry_set_text(GTK_ENTRY(number), _("Automatic"));
    return TRUE;
}

int on_input(GtkSpinButton* number, double* value, gpointer) {
    if (std::string_view(gtk_entry_get_text(GTK_ENTRY(number))) != _("Automatic")) return FALSE;
    gtk_spin_button_get_range(number, value, nullptr);
    return TRUE;
}

} // namespace

GtkWidget* panel_rows::add_number(char const* name, double step, int digits, bool can_be_left) {
    GtkWidget* const number = gimp_prop_spin_button_new(G_OBJECT(config), name, step, 10 * step, digits);
    if (can_be_left) {
        gtk_spin_button_set_numeric(GTK_SPIN_BUTTON(number), FALSE);
        g_signal_connect(number, "output", G_CALLBACK(on_output), nullptr);
        g_signal_connect(number, "input", G_CALLBACK(on_input), nullptr);
        gtk_spin_button_update(GTK_SPIN_BUTTON(number));
    }
    return add(name, number);
}

} // namespace sfumato
