#include "plugin/report.h"

#include "engine/socket.h"

#include <algorithm>
#include <format>
#include <fstream>
#include <iterator>
#include <libgimp/gimp.h>
#include <memory>

namespace sfumato {

namespace {

constexpr std::ptrdiff_t most_lines = 40;
constexpr std::streamoff most_bytes = 64 * 1024; // of a log: its end

std::string end_of(std::filesystem::path const& log) {
    std::ifstream file(log, std::ios::binary | std::ios::ate);
    if (!file) return "(the engine has not run)\n";
    std::streamoff const size = file.tellg();
    file.seekg(std::max<std::streamoff>(0, size - most_bytes));
    std::string text(std::istreambuf_iterator<char>(file), {});
    for (auto lines = std::ranges::count(text, '\n'); lines > most_lines; --lines) text.erase(0, text.find('\n') + 1);
    return text;
}

std::string log_of_engine() {
    try {
        return end_of(engine_paths_for().log);
    } catch (std::exception const& e) {
        return std::string(e.what()) + '\n';
    }
}

std::string gimp_name() {
    char const* const version = gimp_version(); // null where no GIMP has started this
    return std::string("GIMP ") + (version ? version : "(none)");
}

std::string system_name() {
    std::unique_ptr<char, decltype(&g_free)> const name(g_get_os_info(G_OS_INFO_KEY_PRETTY_NAME), g_free);
    return name ? name.get() : "unknown system";
}

} // namespace

std::string make_report(std::string_view message) {
    return std::format("Sfumato {}, {}, {}\n{}\n\nThe engine's last lines:\n{}", SFUMATO_VERSION, gimp_name(),
                       system_name(), message, without_prompts(log_of_engine()));
}

std::string without_prompts(std::string_view text) {
    constexpr std::string_view key = "prompt\":\"";
    std::string kept;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const found = text.find(key, at);
        if (found == text.npos) return kept.append(text.substr(at));
        std::size_t end = found + key.size();
        kept.append(text.substr(at, end - at)).append("…");
        while (end < text.size() && text[end] != '"' && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
        at = end;
    }
    return kept;
}

} // namespace sfumato
