#include "request/rescue.h"

#include <cstdlib>
#include <format>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

fs::path cache_folder() {
    char const* const cache = std::getenv("XDG_CACHE_HOME");
    char const* const home = std::getenv("HOME");
    if (cache && *cache) return fs::path(cache) / "sfumato";
    return home && *home ? fs::path(home) / ".cache" / "sfumato" : fs::path();
}

} // namespace

std::vector<fs::path> rescue_folders() {
    std::error_code none;
    std::vector<fs::path> folders;
    if (fs::path const cache = cache_folder(); !cache.empty()) {
        fs::create_directories(cache, none);
        folders.push_back(cache);
    }
    if (fs::path const temporary = fs::temp_directory_path(none); !temporary.empty()) folders.push_back(temporary);
    return folders;
}

fs::path rescue_name(fs::path const& folder, std::string_view ending) {
    for (int k = 1;; ++k) {
        fs::path const path = folder / std::format("sfumato-rescued-{}{}", k, ending);
        std::error_code none;
        if (!fs::exists(fs::symlink_status(path, none))) return path;
    }
}

} // namespace sfumato
