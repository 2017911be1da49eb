// A widget for an argument that is a model's file: ours, one of those on this machine, or another.
#pragma once

#include <libgimp/gimpui.h>

namespace sfumato {

/// Follows the file argument `name` of `config`, and changes it.
GtkWidget* make_model_chooser(GObject* config, char const* name);

} // namespace sfumato
