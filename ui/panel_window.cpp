#include "ui/panel_window.h"

#include "request/names.h"
#include "ui/device_chooser.h"
#include "ui/panel_models.h"
#include "ui/panel_rows.h"
#include "ui/translated.h"

#include <algorithm>
#include <gdk/gdkkeysyms.h>
#include <utility>

namespace sfumato {

struct panel_window::widgets {
    panel_wishes wishes;
    GtkWidget* window = nullptr;
    GtkComboBoxText* target = nullptr;
    panel_models models;
    GtkWidget* offer = nullptr; // shown where the model is made for other steps
    GtkWidget *note = nullptr, *generate = nullptr, *message = nullptr;
    GtkWidget *run = nullptr, *bar = nullptr;                           // shown while it runs
    GtkWidget *variants = nullptr, *which = nullptr, *hidden = nullptr; // shown while there are some
    GtkWidget *previous = nullptr, *next = nullptr, *keep = nullptr, *discard = nullptr, *again = nullptr,
              *outdated = nullptr;
    GtkWidget *free_device = nullptr, *report = nullptr;
    std::string message_text; // the last one, also when it is gone
    panel_view shown{};
    bool showing = false; // the target is being set, not chosen
};

namespace {

using widgets = panel_window::widgets;

// Calls one of the wishes that `data` has.
template <std::function<void()> panel_wishes::* wish> void on_wish(GtkWidget*, gpointer data) {
    (static_cast<widgets*>(data)->wishes.*wish)();
}

template <std::function<void()> panel_wishes::* wish> GtkWidget* make_button(widgets& w, char const* label) {
    GtkWidget* const button = gtk_button_new_with_mnemonic(label);
    g_signal_connect(button, "clicked", G_CALLBACK(on_wish<wish>), &w);
    return button;
}

GtkWidget* make_step_button(widgets& w, char const* label, int by) {
    GtkWidget* const button = gtk_button_new_with_mnemonic(label);
    g_object_set_data(G_OBJECT(button), "by", GINT_TO_POINTER(by));
    auto const on_click = +[](GtkWidget* button, gpointer data) {
        static_cast<widgets*>(data)->wishes.step(GPOINTER_TO_INT(g_object_get_data(G_OBJECT(button), "by")));
    };
    g_signal_connect(button, "clicked", G_CALLBACK(on_click), &w);
    return button;
}

void on_target(GtkComboBox* box, gpointer data) {
    auto& w = *static_cast<widgets*>(data);
    char const* const id = gtk_combo_box_get_active_id(box);
    if (id && !w.showing) w.wishes.aim(std::atoi(id));
}

// Files may have been put there.
gboolean on_focus(GtkWidget*, GdkEvent*, gpointer data) {
    auto& w = *static_cast<widgets*>(data);
    look_again(w.models);
    w.wishes.look();
    return FALSE;
}

// ---- Rows

choice_list samplers() {
    choice_list all;
    for (auto const& c : choices<sampler>()) all.push_back({c.name.data(), c.display.data()}); // literals
    return all;
}

void add_seed(panel_rows& rows) {
    GtkWidget* const seed = rows.add_number("seed", 1, 0, true);
    g_object_ref(seed);
    gtk_container_remove(GTK_CONTAINER(rows.grid), seed);
    GtkWidget* const box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    gtk_box_pack_start(GTK_BOX(box), seed, TRUE, TRUE, 0);
    g_object_unref(seed);
    GtkWidget* const lock = gimp_prop_check_button_new(G_OBJECT(rows.config), "lock-seed", nullptr);
    gtk_box_pack_start(GTK_BOX(box), lock, FALSE, FALSE, 0);
    gtk_grid_attach(rows.grid, box, 1, rows.count - 1, 1, 1);
}

GtkWidget* make_reset(GimpProcedureConfig* config) {
    GtkWidget* const button = gtk_button_new_with_label(_("Reset"));
    gtk_widget_set_tooltip_text(button, _("All settings and words become what they are at first"));
    auto const on_click = +[](GtkWidget*, gpointer config) { gimp_config_reset(GIMP_CONFIG(config)); };
    g_signal_connect(button, "clicked", G_CALLBACK(on_click), config);
    return button;
}

// What is left of the screen's height beside everything that the window shows at most.
int room_on_screen() {
    constexpr int all_else = 640, least = 120;
    GdkDisplay* const display = gdk_display_get_default();
    GdkMonitor* const primary = gdk_display_get_primary_monitor(display);
    GdkRectangle area{};
    gdk_monitor_get_workarea(primary ? primary : gdk_display_get_monitor(display, 0), &area);
    return std::max(least, area.height - all_else);
}

GtkWidget* make_scrolled(GtkWidget* child, int most) {
    GtkWidget* const scrolled = gtk_scrolled_window_new(nullptr, nullptr);
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
    gtk_container_add(GTK_CONTAINER(scrolled), child);
    gtk_widget_show_all(child);
    int natural = 0;
    gtk_widget_get_preferred_height(child, nullptr, &natural);
    gtk_scrolled_window_set_min_content_height(GTK_SCROLLED_WINDOW(scrolled), std::min(natural, most));
    return scrolled;
}

void on_unfolded(GtkWidget*, gpointer data) {
    auto const& w = *static_cast<widgets*>(data);
    int width = 0;
    gtk_window_get_size(GTK_WINDOW(w.window), &width, nullptr);
    gtk_window_resize(GTK_WINDOW(w.window), width, 1);
}

GtkWidget* make_advanced(widgets& w, panel_rows const& all) {
    GtkWidget* const advanced = gtk_expander_new_with_mnemonic(_("_Advanced"));
    panel_rows rows(all.procedure, all.config);
    rows.has_mnemonics = false;
    rows.add_choice("method");
    rows.add_check("object");
    rows.add_choice("source");
    rows.add_choice("context");
    rows.add_choice("sampler", samplers());
    rows.add_choice("quality");
    rows.add_number("steps", 1, 0);
    rows.add_number("cfg", 0.5, 1);
    rows.add_number("detail", 0.05, 2);
    add_seed(rows);
    rows.add_number("variants", 1, 0, true);
    rows.add_number("width", 64, 0, true);
    rows.add_number("height", 64, 0, true);
    rows.add_check("keep-recipe");
    rows.add("device", make_device_chooser(rows.config, "device"));
    w.free_device = make_button<&panel_wishes::free_device>(w, _("Free the GPU"));
    gtk_widget_set_tooltip_text(w.free_device, _("Takes Sfumato's models out of the memory until the next run"));
    rows.add_wide(w.free_device);
    w.report = make_button<&panel_wishes::report>(w, _("Copy a Report"));
    gtk_widget_set_tooltip_text(w.report, _("For whoever shall find a fault: versions, the last message and what the "
                                            "engine said, without your prompts"));
    rows.add_wide(w.report);
    rows.add_wide(make_reset(rows.config));
    gtk_widget_set_margin_top(GTK_WIDGET(rows.grid), 6);
    gtk_container_add(GTK_CONTAINER(advanced), make_scrolled(GTK_WIDGET(rows.grid), room_on_screen()));
    // The window takes as much room as it needs, no more.
    g_signal_connect_after(advanced, "activate", G_CALLBACK(on_unfolded), &w);
    return advanced;
}

GtkWidget* make_rows(widgets& w, GimpProcedure* procedure, GimpProcedureConfig* config) {
    panel_rows rows(procedure, config);
    w.target = GTK_COMBO_BOX_TEXT(gtk_combo_box_text_new());
    g_signal_connect(w.target, "changed", G_CALLBACK(on_target), &w);
    rows.add(_("_Image"), _("Where the result goes; the image of the last call from its menu or by a key"),
             GTK_WIDGET(w.target));
    rows.add_choice("task");
    rows.add_text("prompt", 3);
    rows.add_text("negative-prompt", 2);
    rows.add_choice("style");
    w.models = add_models(rows);
    w.offer = make_button<&panel_wishes::adopt>(w, "");
    gtk_widget_set_tooltip_text(w.offer, _("Sets what the model or the LoRA is made for, as its name says"));
    rows.add_wide(w.offer);
    rows.add_slider("strength", 0.01, 2);
    rows.add_number("edge", 1, 0, true);
    rows.add_wide(make_advanced(w, rows));
    return GTK_WIDGET(rows.grid);
}

// ---- What happens

GtkWidget* make_run(widgets& w) {
    GtkWidget* const box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    w.bar = gtk_progress_bar_new();
    gtk_progress_bar_set_show_text(GTK_PROGRESS_BAR(w.bar), TRUE);
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(w.bar), "");
    gtk_progress_bar_set_ellipsize(GTK_PROGRESS_BAR(w.bar), PANGO_ELLIPSIZE_END);
    gtk_widget_set_valign(w.bar, GTK_ALIGN_CENTER);
    atk_object_set_name(gtk_widget_get_accessible(w.bar), _("Progress"));
    gtk_box_pack_start(GTK_BOX(box), w.bar, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(box), make_button<&panel_wishes::cancel>(w, _("_Cancel")), FALSE, FALSE, 0);
    return box;
}

void on_hidden(GtkToggleButton* button, gpointer data) {
    static_cast<widgets*>(data)->wishes.hide(gtk_toggle_button_get_active(button));
}

GtkWidget* make_variants(widgets& w) {
    GtkWidget* const box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget* const choose = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    w.previous = make_step_button(w, _("Previous"), -1);
    w.next = make_step_button(w, _("Next"), 1);
    gtk_widget_set_tooltip_text(w.previous, _("Ctrl+Page Up"));
    gtk_widget_set_tooltip_text(w.next, _("Ctrl+Page Down"));
    w.which = gtk_label_new(nullptr);
    gtk_box_pack_start(GTK_BOX(choose), w.previous, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(choose), w.which, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(choose), w.next, FALSE, FALSE, 0);
    GtkWidget* const decide = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    gtk_box_set_homogeneous(GTK_BOX(decide), TRUE);
    w.hidden = gtk_toggle_button_new_with_mnemonic(_("_Before"));
    gtk_widget_set_tooltip_text(w.hidden, _("Shows the picture as it is without the variant"));
    g_signal_connect(w.hidden, "toggled", G_CALLBACK(on_hidden), &w);
    w.keep = make_button<&panel_wishes::keep>(w, _("_Keep"));
    w.discard = make_button<&panel_wishes::discard>(w, _("_Discard"));
    for (GtkWidget* button : {w.keep, w.discard, w.hidden}) gtk_box_pack_start(GTK_BOX(decide), button, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(box), choose, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), decide, FALSE, FALSE, 0);
    return box;
}

void make_message(widgets& w, GtkWidget* into) {
    w.message = add_paragraph(into);
    gtk_label_set_selectable(GTK_LABEL(w.message), TRUE);
    gtk_widget_set_can_focus(w.message, FALSE);
    gtk_style_context_add_class(gtk_widget_get_style_context(w.message), GTK_STYLE_CLASS_ERROR);
    atk_object_set_role(gtk_widget_get_accessible(w.message), ATK_ROLE_ALERT); // read aloud when it appears
}

// Those that come and go do so by themselves.
void hide_now(std::initializer_list<GtkWidget*> those) {
    for (GtkWidget* widget : those) {
        gtk_widget_hide(widget);
        gtk_widget_set_no_show_all(widget, TRUE);
    }
}

void add_keys(widgets& w) {
    GtkAccelGroup* const keys = gtk_accel_group_new();
    gtk_window_add_accel_group(GTK_WINDOW(w.window), keys);
    auto const add = [&](GtkWidget* button, guint key) {
        gtk_widget_add_accelerator(button, "clicked", keys, key, GDK_CONTROL_MASK, GTK_ACCEL_VISIBLE);
    };
    add(w.generate, GDK_KEY_Return);
    add(w.previous, GDK_KEY_Page_Up);
    add(w.next, GDK_KEY_Page_Down);
    g_object_unref(keys);
}

gboolean on_delete(GtkWidget*, GdkEvent*, gpointer data) {
    static_cast<widgets*>(data)->wishes.close();
    return TRUE; // it goes with its owner
}

gboolean on_key(GtkWidget*, GdkEventKey* event, gpointer data) {
    auto const& w = *static_cast<widgets*>(data);
    if (event->keyval != GDK_KEY_Escape || !w.shown.is_running) return FALSE;
    w.wishes.cancel();
    return TRUE;
}

void build(widgets& w, GimpProcedure* procedure, GimpProcedureConfig* config) {
    w.window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    gtk_window_set_title(GTK_WINDOW(w.window), "Sfumato");
    gtk_window_set_type_hint(GTK_WINDOW(w.window), GDK_WINDOW_TYPE_HINT_UTILITY);
    gtk_window_set_default_size(GTK_WINDOW(w.window), 360, -1);
    gimp_window_set_transient(GTK_WINDOW(w.window));
    GtkWidget* const all = gtk_box_new(GTK_ORIENTATION_VERTICAL, 9);
    gtk_container_set_border_width(GTK_CONTAINER(all), 9);
    gtk_container_add(GTK_CONTAINER(w.window), all);

    gtk_box_pack_start(GTK_BOX(all), make_rows(w, procedure, config), FALSE, FALSE, 0);
    w.note = add_paragraph(all);
    w.generate = make_button<&panel_wishes::generate>(w, _("_Generate"));
    gtk_style_context_add_class(gtk_widget_get_style_context(w.generate), GTK_STYLE_CLASS_SUGGESTED_ACTION);
    gtk_box_pack_start(GTK_BOX(all), w.generate, FALSE, FALSE, 0);
    w.run = make_run(w);
    gtk_box_pack_start(GTK_BOX(all), w.run, FALSE, FALSE, 0);
    make_message(w, all);
    w.variants = make_variants(w);
    gtk_box_pack_start(GTK_BOX(all), w.variants, FALSE, FALSE, 0);
    w.again = make_button<&panel_wishes::again>(w, _("Again from This _Layer"));
    gtk_widget_set_tooltip_text(w.again, _("Takes words, model, seed and all else from the active layer's recipe"));
    gtk_box_pack_start(GTK_BOX(all), w.again, FALSE, FALSE, 0);
    w.outdated = add_paragraph(all);
    gtk_label_set_text(GTK_LABEL(w.outdated), _("What lies under this layer has changed since it was made."));

    add_keys(w);
    g_signal_connect(w.window, "delete-event", G_CALLBACK(on_delete), &w);
    g_signal_connect(w.window, "focus-in-event", G_CALLBACK(on_focus), &w);
    g_signal_connect(w.window, "key-press-event", G_CALLBACK(on_key), &w);
    for (GtkWidget* part : {w.run, w.variants, w.message}) gtk_widget_show_all(part);
    hide_now({w.offer, w.run, w.variants, w.message, w.again, w.outdated});
}

void show_images(widgets& w, panel_view const& v) {
    w.showing = true;
    if (v.images != w.shown.images) {
        gtk_combo_box_text_remove_all(w.target);
        for (panel_image const& i : v.images)
            gtk_combo_box_text_append(w.target, std::to_string(i.id).c_str(), i.name.c_str());
    }
    gtk_combo_box_set_active_id(GTK_COMBO_BOX(w.target), std::to_string(v.target).c_str());
    w.showing = false;
}

std::string which_of(panel_view const& v) {
    if (v.shown < 0) return translated(v.variants == 1 ? say("1 variant") : say("{} variants", v.variants));
    return translated(say("{} of {}", v.shown + 1, v.variants));
}

std::string note_of(panel_view const& v) {
    if (v.waiting == 0) return v.note;
    return v.note + " " +
           translated(v.waiting == 1 ? say("One more run waits.") : say("{} more runs wait.", v.waiting));
}

} // namespace

panel_window::panel_window(GimpProcedure* procedure, GimpProcedureConfig* config, panel_wishes wishes)
    : w(std::make_unique<widgets>()) {
    w->wishes = std::move(wishes);
    build(*w, procedure, config);
    gtk_widget_show_all(w->window);
}

panel_window::~panel_window() { gtk_widget_destroy(w->window); }

void panel_window::show(panel_view const& v) {
    if (v == w->shown) return;
    show_images(*w, v);
    gtk_button_set_label(GTK_BUTTON(w->generate), v.button.c_str());
    gtk_widget_set_sensitive(w->generate, v.can_start);
    gtk_label_set_text(GTK_LABEL(w->note), note_of(v).c_str());
    gtk_button_set_label(GTK_BUTTON(w->offer), v.offer.c_str());
    gtk_widget_set_visible(w->offer, !v.offer.empty());
    gtk_widget_set_visible(w->run, v.is_running);
    gtk_widget_set_sensitive(w->free_device, !v.is_running);
    gtk_widget_set_visible(w->variants, v.variants > 0);
    gtk_label_set_text(GTK_LABEL(w->which), which_of(v).c_str());
    gtk_widget_set_sensitive(w->previous, v.variants > 1 || v.shown < 0);
    gtk_widget_set_sensitive(w->next, v.variants > 1 || v.shown < 0);
    for (GtkWidget* button : {w->keep, w->discard, w->hidden}) gtk_widget_set_sensitive(button, v.shown >= 0);
    if (v.shown < 0) gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(w->hidden), FALSE);
    gtk_widget_set_visible(w->again, v.can_repeat);
    gtk_widget_set_visible(w->outdated, v.is_outdated);
    w->shown = v;
}

void panel_window::show_progress(double fraction, std::string const& text) {
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(w->bar), std::clamp(fraction, 0.0, 1.0));
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(w->bar), text.c_str());
}

void panel_window::show_message(std::string const& sentence) {
    if (!sentence.empty()) w->message_text = sentence;
    gtk_label_set_text(GTK_LABEL(w->message), sentence.c_str());
    gtk_widget_set_visible(w->message, !sentence.empty());
}

std::string panel_window::message() const { return w->message_text; }

void panel_window::copy(std::string const& text) {
    GtkClipboard* const clipboard = gtk_widget_get_clipboard(w->window, GDK_SELECTION_CLIPBOARD);
    gtk_clipboard_set_text(clipboard, text.c_str(), -1);
    gtk_clipboard_store(clipboard); // it stays when the panel is closed
    gtk_button_set_label(GTK_BUTTON(w->report), _("Report Copied"));
}

void panel_window::present() { gtk_window_present(GTK_WINDOW(w->window)); }

} // namespace sfumato
