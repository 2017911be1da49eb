// The panel's procedures: the one that is the panel as long as its window is open, and the messenger.
#pragma once

#include "plugin/panel_task.h"

#include <libgimp/gimp.h>

#include <optional>

namespace sfumato {

constexpr char const *panel_procedure = "plug-in-sfumato", *messenger_procedure = "plug-in-sfumato-generate";

/// Shows the panel with this image, at its task where one is wanted; returns when its window is closed, or at once
/// where it was open already. What was kept last, and is still there; null: nothing.
GimpLayer* show_panel(GimpImage*, std::optional<task>);

GimpProcedure* create_panel_procedure(GimpPlugIn*, char const* name); // null: neither of the two

} // namespace sfumato
