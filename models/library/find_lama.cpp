#include "models/library/find_lama.h"

#include "models/library/model_folders.h"
#include "models/library/scan.h"

#include <algorithm>
#include <cctype>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

bool is_called_lama(fs::path const& path) {
    std::string name = path.filename().string();
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name.find("lama") != name.npos;
}

} // namespace

std::optional<fs::path> find_lama() {
    std::optional<fs::path> found;
    std::atomic<bool> enough = false;
    auto const look = [&](fs::path const& path) {
        if (enough || !is_called_lama(path)) return;
        found_model const m = look_at_model(path);
        enough = m.error.empty() && m.is.lama && m.is.supported;
        if (enough) found = path;
    };
    visit_models(model_folders(), look, &enough);
    return found;
}

} // namespace sfumato
