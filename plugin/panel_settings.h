// What the panel is set to, and was the last time: in a file among GIMP's own of that kind. They are no arguments of
// its procedure: GIMP would keep those only when it ends, which a killed one does not, and put them into the image,
// whose file would then tell the prompt.
#pragma once

#include <libgimp/gimp.h>

#include <chrono>
#include <memory>

namespace sfumato {

class panel_settings {
  public:
    /// As they were saved, as far as that can be read.
    panel_settings();
    /// What changed since is saved.
    ~panel_settings();
    panel_settings(panel_settings const&) = delete;

    GimpProcedure* procedure() const { return arguments.get(); } // declares them, as arguments
    GimpProcedureConfig* config() const { return values.get(); }

    /// They have changed, and nobody types any more.
    bool are_due() const;
    /// Throws error when the file cannot be written; it is tried again when something changes.
    void save();

  private:
    template <class T> using handle = std::unique_ptr<T, decltype(&g_object_unref)>;

    handle<GimpProcedure> arguments; // called by nobody
    handle<GimpProcedureConfig> values;
    bool changed = false;
    std::chrono::steady_clock::time_point since; // the last change
};

} // namespace sfumato
