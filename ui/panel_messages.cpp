#include "ui/panel_messages.h"

#include "engine/endpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <glib-unix.h>
#include <poll.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sfumato {

namespace {

constexpr std::string_view start = "sfumato panel 1 ";
// In the order of panel_message::what.
constexpr std::array<std::string_view, 6> words{"show ", "generate ", "fill ", "refine ", "create ", "expand "};
constexpr std::size_t longest = 64; // bytes
constexpr int patience = 200;       // ms; whoever has connected sends at once

std::filesystem::path folder_of_sockets() { return engine_paths_for().socket.parent_path(); }

// Plug-ins are GIMP's children.
std::filesystem::path socket_of_gimp() { return folder_of_sockets() / std::format("panel-{}.sock", getppid()); }

// Of panels that were killed, in a GIMP that is perhaps no longer there.
void remove_abandoned_sockets() {
    std::error_code none;
    std::vector<std::filesystem::path> sockets;
    for (auto const& entry : std::filesystem::directory_iterator(folder_of_sockets(), none))
        if (std::string const name = entry.path().filename(); name.starts_with("panel-") && name.ends_with(".sock"))
            sockets.push_back(entry.path());
    for (std::filesystem::path const& socket : sockets) remove_abandoned(socket);
}

bool take(std::string_view& text, std::string_view beginning) {
    if (!text.starts_with(beginning)) return false;
    text.remove_prefix(beginning.size());
    return true;
}

std::optional<std::string> receive_line(file_descriptor const& from) {
    std::array<std::byte, longest> room{};
    std::string line;
    while (line.size() < longest && !line.ends_with('\n')) {
        pollfd waiting{from.get(), POLLIN, 0};
        if (::poll(&waiting, 1, patience) <= 0) return {};
        auto const count = socket_receive(from, std::span(room).first(longest - line.size()));
        if (count <= 0) return {};
        line.append(reinterpret_cast<char const*>(room.data()), std::size_t(count));
    }
    return line;
}

} // namespace

std::string text_of(panel_message const& m) {
    return std::format("{}{}{}\n", start, words[std::size_t(m.what)], m.image);
}

std::optional<panel_message> read_panel_message(std::string_view text) {
    panel_message m;
    if (!take(text, start)) return {};
    auto const* const said = std::ranges::find_if(words, [&](std::string_view word) { return take(text, word); });
    if (said == words.end()) return {};
    m.what = static_cast<enum panel_message::what>(said - words.begin());
    auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), m.image);
    if (wrong != std::errc() || m.image < 0 || std::string_view(end, text.data() + text.size()) != "\n") return {};
    return m;
}

bool tell_panel(panel_message const& m) {
    file_descriptor const to = socket_connect(socket_of_gimp());
    std::string const text = text_of(m);
    return to && socket_send(to, std::as_bytes(std::span(text))) == std::ptrdiff_t(text.size());
}

struct panel_listener::state {
    std::function<void(panel_message const&)> hear;
    endpoint at{socket_of_gimp()};
    guint source = 0;

    void look() {
        while (file_descriptor const from = at.accept())
            if (auto const line = receive_line(from))
                if (auto const m = read_panel_message(*line)) hear(*m);
    }
    static gboolean on_connect(gint, GIOCondition, gpointer self) {
        static_cast<state*>(self)->look();
        return G_SOURCE_CONTINUE;
    }
};

panel_listener::panel_listener(std::function<void(panel_message const&)> hear) : s(new state{std::move(hear)}) {
    remove_abandoned_sockets();
    s->source = g_unix_fd_add(s->at.listener(), G_IO_IN, state::on_connect, s.get());
}

panel_listener::~panel_listener() { g_source_remove(s->source); }

} // namespace sfumato
