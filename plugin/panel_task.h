// What the panel does next: which run follows from its arguments, the words and the selection.
#pragma once

#include "plugin/capture.h"

#include <libgimp/gimp.h>

namespace sfumato {

void add_panel_arguments(GimpProcedure*);

struct panel_task {
    sfumato::request request; // not resolved
    char const* button;       // "_Fill", to be translated
    sentence note;            // what will happen
    reach to = reach::selection;
};

/// Throws error: what is missing. `drawables`: the active ones, null-terminated.
panel_task find_task(GimpProcedureConfig*, GimpImage*, GimpDrawable* const* drawables);

/// How many are made at once: as the user says, or as suits the machine.
int variants_wanted(GimpProcedureConfig*);

/// The arguments become what a recipe says; its seed stays, and its LoRAs are named in the prompt.
void repeat(GimpProcedureConfig*, request recipe);

} // namespace sfumato
