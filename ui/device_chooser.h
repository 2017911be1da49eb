// A widget for an argument that is a device, as the engine names them; empty: the engine chooses.
#pragma once

#include <libgimp/gimpui.h>

namespace sfumato {

/// Follows the text argument `name` of `config`, and changes it. The engine is asked once.
GtkWidget* make_device_chooser(GimpProcedureConfig* config, char const* name);

} // namespace sfumato
