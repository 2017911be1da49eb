// The panel's row with its diffusion model.
#pragma once

#include "ui/panel_rows.h"

namespace sfumato {

struct panel_models {
    GtkWidget* chooser = nullptr;
    GtkWidget* none = nullptr; // shown where none is found: a sentence, and the way to the folder for them
};

panel_models add_models(panel_rows&);

/// Where none was found: files may have been put there.
void look_again(panel_models const&);

} // namespace sfumato
