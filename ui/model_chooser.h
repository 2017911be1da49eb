// A widget for an argument that is a model's file: ours, the one that is chosen, or another.
#pragma once

#include <libgimp/gimpui.h>

namespace sfumato {

/// Follows the file argument `name` of `config`, and changes it.
GtkWidget* make_model_chooser(GObject* config, char const* name);

} // namespace sfumato
