#include "plugin/panel_settings.h"

#include "compute/error.h"
#include "plugin/panel_task.h"

#include <memory>
#include <utility>

namespace sfumato {

namespace {

constexpr auto settled = std::chrono::seconds(1);

GimpProcedure* make_arguments() {
    auto const nothing = +[](GimpProcedure*, GimpProcedureConfig*, gpointer) -> GimpValueArray* { return nullptr; };
    GimpProcedure* const procedure = gimp_procedure_new(gimp_get_plug_in(), "plug-in-sfumato-settings",
                                                        GIMP_PDB_PROC_TYPE_PLUGIN, nothing, nullptr, nullptr);
    add_panel_arguments(procedure);
    return procedure;
}

using file_handle = std::unique_ptr<GFile, decltype(&g_object_unref)>;
file_handle file_of_settings() {
    return {gimp_directory_file("plug-in-settings", "sfumato-panel.settings", nullptr), g_object_unref};
}

void make_folder_of(GFile* file) {
    file_handle const folder(g_file_get_parent(file), g_object_unref);
    g_file_make_directory_with_parents(folder.get(), nullptr, nullptr); // where it fails, so does the writing
}

} // namespace

panel_settings::panel_settings()
    : arguments(make_arguments(), g_object_unref),
      values(gimp_procedure_create_config(arguments.get()), g_object_unref) {
    gimp_config_deserialize_file(GIMP_CONFIG(config()), file_of_settings().get(), nullptr, nullptr);
    auto const on_change = +[](GObject*, GParamSpec*, gpointer self) {
        auto& s = *static_cast<panel_settings*>(self);
        s.changed = true;
        s.since = std::chrono::steady_clock::now();
    };
    g_signal_connect(config(), "notify", G_CALLBACK(on_change), this);
}

panel_settings::~panel_settings() {
    g_signal_handlers_disconnect_by_data(config(), this);
    try {
        save();
    } catch (std::exception const&) { // nobody is there any more to be told
    }
}

bool panel_settings::are_due() const { return changed && std::chrono::steady_clock::now() - since > settled; }

void panel_settings::save() {
    if (!std::exchange(changed, false)) return;
    file_handle const file = file_of_settings();
    make_folder_of(file.get());
    GError* why = nullptr;
    if (gimp_config_serialize_to_file(GIMP_CONFIG(config()), file.get(), "Sfumato's panel", "end of Sfumato's panel",
                                      nullptr, &why))
        return;
    std::unique_ptr<GError, decltype(&g_error_free)> const kept(why, g_error_free);
    fail("The panel's settings could not be saved: {}", why->message);
}

} // namespace sfumato
