// The dialog of a procedure: its arguments as widgets, a progress bar, and one sentence when something went wrong.
#pragma once

#include "ui/background.h"

#include <libgimp/gimp.h>

namespace sfumato {

/// Shows the dialog and runs `steps` each time the user asks for it. Errors are shown in the dialog, which stays, so
/// that the settings survive and the user can try again; a cancelled run leaves it open too.
/// Returns true once a run has delivered, false when the user closed the dialog.
bool run_in_dialog(GimpProcedure*, GimpProcedureConfig*, char const* title, steps const&);

} // namespace sfumato
