// The panel's procedures: the one that is the panel as long as its window is open, and the messenger.
#pragma once

#include <libgimp/gimp.h>

namespace sfumato {

constexpr char const *panel_procedure = "plug-in-sfumato", *messenger_procedure = "plug-in-sfumato-generate";

GimpProcedure* create_panel_procedure(GimpPlugIn*, char const* name); // null: neither of the two

} // namespace sfumato
