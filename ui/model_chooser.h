// A widget for an argument that is a model's file: ours, one of those on this machine, or another.
#pragma once

#include "request/model_summary.h"

#include <libgimp/gimpui.h>

namespace sfumato {

/// Follows the file argument `name` of `config`, and changes it; then, when the user has picked one here and
/// the engine has said what it is, calls `on_picked`, unless it is null.
GtkWidget* make_model_chooser(GimpProcedureConfig* config, char const* name,
                              void (*on_picked)(GimpProcedureConfig*, model_summary const&));

} // namespace sfumato
