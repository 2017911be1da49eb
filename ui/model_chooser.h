// A widget for an argument that is a model's file: ours, one of those on this machine, or another.
#pragma once

#include "request/model_summary.h"

#include <functional>
#include <libgimp/gimpui.h>

namespace sfumato {

struct model_choices {
    model_kind kind = model_kind::upscaler;
    /// The user has picked one here, and the engine has said what it is; of ours it is asked nothing. Null: nobody
    /// asks.
    void (*on_picked)(GimpProcedureConfig*, model_summary const&) = nullptr;
    /// The disk has been looked at, and has so many. Null: nobody asks.
    std::function<void(std::size_t)> on_searched{};
};

/// Follows the file argument `name` of `config`, and changes it.
GtkWidget* make_model_chooser(GimpProcedureConfig* config, char const* name, model_choices);

/// Looks at the disk again.
void search_again(GtkWidget* model_chooser);

} // namespace sfumato
