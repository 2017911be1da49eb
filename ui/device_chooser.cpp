#include "ui/device_chooser.h"

#include "engine/client.h"
#include "ui/background.h"
#include "ui/choice_argument.h"
#include "ui/translated.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace sfumato {

namespace {

struct device_chooser {
    GtkComboBoxText* box;
    GimpProcedureConfig* config;
    std::string name; // of the argument
    std::vector<device_choice> found{};
    bool showing = false;
    std::unique_ptr<background_run> asking{};
};

std::string chosen(device_chooser const& d) {
    char* value = nullptr;
    g_object_get(d.config, d.name.c_str(), &value, nullptr);
    std::unique_ptr<char, decltype(&g_free)> const kept(value, g_free);
    return value ? value : "";
}

// One that is not found, as long as nobody has looked or because it is gone, is still the one that is chosen.
void show_choice(device_chooser& d) {
    d.showing = true;
    std::string const active = chosen(d);
    gtk_combo_box_text_remove_all(d.box);
    gtk_combo_box_text_append(d.box, "", _("Automatic"));
    for (device_choice const& one : d.found) gtk_combo_box_text_append(d.box, one.device.c_str(), one.name.c_str());
    if (!active.empty() && std::ranges::find(d.found, active, &device_choice::device) == d.found.end())
        gtk_combo_box_text_append(d.box, active.c_str(), active.c_str());
    gtk_combo_box_set_active_id(GTK_COMBO_BOX(d.box), active.c_str());
    d.showing = false;
}

void on_changed(GtkComboBox* box, gpointer data) {
    auto const& d = *static_cast<device_chooser*>(data);
    if (char const* const id = gtk_combo_box_get_active_id(box); id && !d.showing)
        g_object_set(d.config, d.name.c_str(), id, nullptr);
}

void on_notify(GObject*, GParamSpec*, gpointer data) { show_choice(*static_cast<device_chooser*>(data)); }

void on_destroy(GtkWidget*, gpointer data) {
    std::unique_ptr<device_chooser> const d(static_cast<device_chooser*>(data));
    g_signal_handlers_disconnect_by_data(d->config, d.get());
}

void ask(device_chooser& d) {
    auto const answer = std::make_shared<std::vector<device_choice>>();
    auto const body = [answer](job const& j) {
        auto found = engine_devices(j);
        if (found) *answer = *std::move(found);
        return found.has_value();
    };
    // Without an answer there is nothing to choose; the run says what is wrong.
    d.asking = std::make_unique<background_run>(
        body, [](progress const&) {},
        [&d, answer] {
            d.found = std::move(*answer);
            show_choice(d);
        });
}

} // namespace

GtkWidget* make_device_chooser(GimpProcedureConfig* config, char const* name) {
    GtkWidget* const box = gtk_combo_box_text_new();
    ellipsize_choices(box);
    auto* const d = new device_chooser{GTK_COMBO_BOX_TEXT(box), config, name};
    show_choice(*d);
    ask(*d);
    g_signal_connect(box, "changed", G_CALLBACK(on_changed), d);
    g_signal_connect(box, "destroy", G_CALLBACK(on_destroy), d);
    g_signal_connect(config, (std::string("notify::") + name).c_str(), G_CALLBACK(on_notify), d);
    return box;
}

} // namespace sfumato
