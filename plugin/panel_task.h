// What the panel does next: which run follows from its arguments, the words and the selection.
#pragma once

#include "plugin/capture.h"
#include "request/known_models.h"

#include <libgimp/gimp.h>

namespace sfumato {

void add_panel_arguments(GimpProcedure*);

/// What can be done. "expand": into what is empty.
enum class task { fill, refine, generate, expand };
char const* name_of(task); // as the argument "task" has it, beside "automatic"

struct panel_task {
    sfumato::request request; // not resolved
    char const* button;       // "_Fill", to be translated
    sentence note;            // what will happen
    reach to = reach::selection;
};

/// Throws error: what is missing. `drawables`: the active ones, null-terminated. `lama`: the file of one that was
/// found; empty: none. `wanted`: whatever the argument says.
panel_task find_task(GimpProcedureConfig*, GimpImage*, GimpDrawable* const* drawables, std::string const& lama,
                     std::optional<task> wanted = {});

/// How many are made at once: as the user says, or as suits the machine.
int variants_wanted(GimpProcedureConfig*);

/// What else the model is made for. Nothing: no other model, or the arguments are well.
std::optional<step_settings> steps_offered(panel_task const&);
void set_steps(GimpProcedureConfig*, step_settings const&);

/// The arguments become what a recipe says; its seed stays, and its LoRAs are named in the prompt.
void repeat(GimpProcedureConfig*, request recipe);

} // namespace sfumato
