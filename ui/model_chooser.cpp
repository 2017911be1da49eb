#include "ui/model_chooser.h"

#include "ui/choice_argument.h"
#include "ui/found_models.h"
#include "ui/translated.h"

#include <memory>
#include <optional>
#include <utility>

namespace sfumato {

namespace {

// The entries of the list; between them those that were found, called by their paths, and a file that is none of them.
constexpr char const *ours = "ours", *chosen = "chosen", *another = "another";

struct model_chooser {
    GtkComboBoxText* box;
    GimpProcedureConfig* config;
    std::string name; // of the argument
    model_choices choices;
    listed_models found{}; // empty until the disk has been looked at
    guint looking = 0;     // the source that waits for it
    bool showing = false;
    guint asking = 0; // the source that will open the file dialog
    std::unique_ptr<model_search> search{};
    std::optional<model_question> question{}; // what the one is that was picked
    guint waiting = 0;                        // the source that waits for the answer
};

template <class T> using object = std::unique_ptr<T, decltype(&g_object_unref)>;
using string = std::unique_ptr<char, decltype(&g_free)>;

object<GFile> file_of(model_chooser const& m) {
    GFile* file = nullptr;
    g_object_get(m.config, m.name.c_str(), &file, nullptr);
    return {file, [](gpointer f) {
                if (f) g_object_unref(f);
            }};
}

gboolean on_wait(gpointer data) {
    auto& m = *static_cast<model_chooser*>(data);
    auto const answer = m.question->result();
    if (!answer) return G_SOURCE_CONTINUE;
    m.waiting = 0;
    m.choices.on_picked(m.config, *answer);
    return G_SOURCE_REMOVE;
}

void pick(model_chooser& m, GFile* file) {
    g_object_set(m.config, m.name.c_str(), file, nullptr);
    if (m.waiting) g_source_remove(std::exchange(m.waiting, 0));
    m.question.reset();
    if (!m.choices.on_picked) return;
    if (!file) return m.choices.on_picked(m.config, {});
    string const path(g_file_get_path(file), g_free), uri(g_file_get_uri(file), g_free);
    m.question.emplace(path ? path.get() : uri.get());
    m.waiting = g_timeout_add(50, on_wait, &m);
}

void show_choice(model_chooser& m) {
    m.showing = true;
    auto const file = file_of(m);
    string const path(file ? g_file_get_path(file.get()) : nullptr, g_free);
    char const* active = file ? chosen : ours;
    gtk_combo_box_text_remove_all(m.box);
    bool const enlarges = m.choices.kind == model_kind::upscaler;
    gtk_combo_box_text_append(m.box, ours, enlarges ? _("Sfumato's own") : _("Sfumato's own (icons)"));
    for (auto const& model : m.found) {
        gtk_combo_box_text_append(m.box, model.path.c_str(), model.label.c_str());
        if (path && model.path == path.get()) active = model.path.c_str();
    }
    if (active == chosen)
        gtk_combo_box_text_append(m.box, chosen, string(g_file_get_basename(file.get()), g_free).get());
    gtk_combo_box_text_append(m.box, another, _("Another file…"));
    gtk_combo_box_set_active_id(GTK_COMBO_BOX(m.box), active);
    gtk_widget_set_tooltip_text(GTK_WIDGET(m.box),
                                file ? string(g_file_get_parse_name(file.get()), g_free).get() : nullptr);
    m.showing = false;
}

void add_filter(GtkFileChooser* dialog, char const* name, std::initializer_list<char const*> patterns) {
    GtkFileFilter* const filter = gtk_file_filter_new();
    gtk_file_filter_set_name(filter, name);
    for (char const* pattern : patterns) gtk_file_filter_add_pattern(filter, pattern);
    gtk_file_chooser_add_filter(dialog, filter);
}

void ask_for_file(model_chooser& m) {
    GtkWidget* const window = gtk_widget_get_toplevel(GTK_WIDGET(m.box));
    GtkWidget* const dialog =
        gtk_file_chooser_dialog_new(_("Choose a Model"), GTK_WINDOW(window), GTK_FILE_CHOOSER_ACTION_OPEN, _("_Cancel"),
                                    GTK_RESPONSE_CANCEL, _("_Open"), GTK_RESPONSE_ACCEPT, nullptr);
    gtk_dialog_set_default_response(GTK_DIALOG(dialog), GTK_RESPONSE_ACCEPT);
    auto* const files = GTK_FILE_CHOOSER(dialog);
    if (m.choices.kind == model_kind::upscaler)
        add_filter(files, _("Models (.pth, .safetensors, .param)"), {"*.pth", "*.safetensors", "*.param"});
    else
        add_filter(files, _("Models (.safetensors, .ckpt, .gguf)"), {"*.safetensors", "*.ckpt", "*.gguf"});
    add_filter(files, _("All files"), {"*"});
    if (auto const file = file_of(m)) gtk_file_chooser_set_file(files, file.get(), nullptr);
    if (gtk_dialog_run(GTK_DIALOG(dialog)) == GTK_RESPONSE_ACCEPT) {
        object<GFile> const file(gtk_file_chooser_get_file(files), g_object_unref);
        pick(m, file.get());
    }
    gtk_widget_destroy(dialog);
}

// When the list has closed: it is the list that reports the choice.
gboolean on_ask(gpointer data) {
    auto& m = *static_cast<model_chooser*>(data);
    m.asking = 0;
    ask_for_file(m);
    show_choice(m); // also when nothing was chosen
    return G_SOURCE_REMOVE;
}

// The list does not change while it is open.
bool is_open(model_chooser const& m) {
    gboolean is_shown = FALSE;
    g_object_get(m.box, "popup-shown", &is_shown, nullptr);
    return is_shown;
}

gboolean on_look(gpointer data) {
    auto& m = *static_cast<model_chooser*>(data);
    if (is_open(m)) return G_SOURCE_CONTINUE;
    auto found = m.search->result();
    if (!found) return G_SOURCE_CONTINUE;
    m.looking = 0;
    m.found = *std::move(found);
    if (!m.found.empty()) show_choice(m);
    if (m.choices.on_searched) m.choices.on_searched(m.found.size());
    return G_SOURCE_REMOVE;
}

void on_changed(GtkComboBox* box, gpointer data) {
    auto& m = *static_cast<model_chooser*>(data);
    if (m.showing) return;
    std::string const id = gtk_combo_box_get_active_id(box);
    if (id == ours) pick(m, nullptr);
    if (id == another && !m.asking) m.asking = g_idle_add(on_ask, &m);
    if (id == ours || id == another || id == chosen) return;
    object<GFile> const file(g_file_new_for_path(id.c_str()), g_object_unref);
    pick(m, file.get());
}

void on_notify(GObject*, GParamSpec*, gpointer data) { show_choice(*static_cast<model_chooser*>(data)); }

void on_destroy(GtkWidget*, gpointer data) {
    auto* const m = static_cast<model_chooser*>(data);
    g_signal_handlers_disconnect_by_data(m->config, m);
    if (m->asking) g_source_remove(m->asking);
    if (m->looking) g_source_remove(m->looking);
    if (m->waiting) g_source_remove(m->waiting);
    delete m;
}

constexpr char const* self = "sfumato-model-chooser";

void search(model_chooser& m) {
    if (m.looking) return;
    m.search = std::make_unique<model_search>(m.choices.kind);
    m.looking = g_timeout_add(100, on_look, &m);
}

} // namespace

GtkWidget* make_model_chooser(GimpProcedureConfig* config, char const* name, model_choices choices) {
    GtkWidget* const box = gtk_combo_box_text_new();
    ellipsize_choices(box);
    // As it is, an empty list takes the keyboard away, and it is empty for a moment whenever it is filled.
    gtk_combo_box_set_button_sensitivity(GTK_COMBO_BOX(box), GTK_SENSITIVITY_ON);
    auto* const m = new model_chooser{GTK_COMBO_BOX_TEXT(box), config, name, std::move(choices)};
    g_object_set_data(G_OBJECT(box), self, m);
    show_choice(*m);
    search(*m);
    g_signal_connect(box, "changed", G_CALLBACK(on_changed), m);
    g_signal_connect(box, "destroy", G_CALLBACK(on_destroy), m);
    g_signal_connect(config, (std::string("notify::") + name).c_str(), G_CALLBACK(on_notify), m);
    return box;
}

void search_again(GtkWidget* box) { search(*static_cast<model_chooser*>(g_object_get_data(G_OBJECT(box), self))); }

} // namespace sfumato
