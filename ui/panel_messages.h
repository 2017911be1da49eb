// What a menu entry or the user's key, each a process of its own, tells the panel that is open in the same GIMP: over a
// local socket, named with GIMP's process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sfumato {

struct panel_message {
    /// Come to the front, with this image; do what the button says; or come to the front, set to a task.
    enum what { show, generate, fill, refine, create, expand } what = show;
    int image = -1; // its id

    bool operator==(panel_message const&) const = default;
};

std::string text_of(panel_message const&);
/// Nothing: it is none, to the last byte.
std::optional<panel_message> read_panel_message(std::string_view);

/// False: no panel of this GIMP listens. Throws error when the socket's folder is not ours alone.
bool tell_panel(panel_message const&);

/// While it lives, `hear` is called on the main thread with each message; whatever else comes is hung up on.
class panel_listener {
  public:
    explicit panel_listener(std::function<void(panel_message const&)> hear);
    ~panel_listener();

  private:
    struct state;
    std::unique_ptr<state> s;
};

} // namespace sfumato
