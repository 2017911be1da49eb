#include "models/library/find_lama.h"

#include "models/library/model_folders.h"
#include "models/library/scan.h"

#include <algorithm>
#include <cctype>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

std::string name_in_small(fs::path const& path) {
    std::string name = path.filename().string();
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name;
}

// LaMa is the better one of the two.
enum class called : std::uint8_t { lama, migan, neither };
called what_is_called(fs::path const& path) {
    std::string const name = name_in_small(path);
    if (name.find("lama") != name.npos) return called::lama;
    return name.find("migan") != name.npos || name.find("mi-gan") != name.npos ? called::migan : called::neither;
}

} // namespace

std::string find_lama() {
    std::string lama, migan;
    std::atomic<bool> enough = false;
    auto const look = [&](fs::path const& path) {
        called const what = what_is_called(path);
        if (enough || what == called::neither || (what == called::migan && !migan.empty())) return;
        found_model const m = look_at_model(path);
        if (!m.error.empty() || !m.is.supported) return;
        if (m.is.migan && migan.empty()) migan = path;
        if (m.is.lama) lama = path;
        enough = !lama.empty();
    };
    visit_models(model_folders(), look, &enough);
    return lama.empty() ? migan : lama;
}

} // namespace sfumato
