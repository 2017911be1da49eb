#include "ui/found_upscalers.h"

#include "models/weights/model_folders.h"
#include "models/weights/scan.h"

#include <algorithm>
#include <format>
#include <glib.h>
#include <map>
#include <memory>

namespace sfumato {

namespace {

found_upscalers labelled(std::vector<found_model> const& models) {
    std::map<std::string, int> count;
    auto const name_of = [](found_model const& m) {
        return std::format("{} (×{})", m.path.stem().string(), m.is.factor);
    };
    for (found_model const& m : models) ++count[name_of(m)];
    found_upscalers list;
    for (found_model const& m : models) {
        std::string const name = name_of(m), folder = m.path.parent_path().string();
        std::string const label = count[name] == 1 ? name : std::format("{} – {}", name, folder);
        std::unique_ptr<char, decltype(&g_free)> const shown(g_filename_display_name(label.c_str()), g_free);
        // As a GFile has it, to be found again in the list.
        std::unique_ptr<char, decltype(&g_free)> const path(g_canonicalize_filename(m.path.c_str(), nullptr), g_free);
        list.push_back({path.get(), shown.get()});
    }
    std::ranges::sort(list, [](found_upscaler const& a, found_upscaler const& b) {
        return g_utf8_collate(a.label.c_str(), b.label.c_str()) < 0;
    });
    return list;
}

found_upscalers look(std::atomic<bool> const& stopped) {
    std::vector<found_model> models;
    auto const add = [&](found_model const& m) {
        if (m.error.empty() && m.is.supported && m.is.upscaler) models.push_back(m);
    };
    try {
        scan_models(upscaler_folders(), add, &stopped);
    } catch (std::exception const&) { // a folder that has just gone, memory: the list is only a convenience
    }
    return labelled(models);
}

} // namespace

upscaler_search::upscaler_search() : found(std::async(std::launch::async, [this] { return look(stopped); })) {}

upscaler_search::~upscaler_search() { stopped = true; }

std::optional<found_upscalers> upscaler_search::result() {
    if (!found.valid() || found.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    return found.get();
}

} // namespace sfumato
