// The dialog of a procedure: its arguments as widgets, a progress bar, and one sentence when something went wrong.
#pragma once

#include "request/model_summary.h"
#include "ui/background.h"

#include <libgimp/gimp.h>

#include <span>
#include <string>

typedef struct _GimpProcedureDialog GimpProcedureDialog;

namespace sfumato {

/// What is this procedure's own in its dialog.
struct dialog_look {
    char const* title;
    char const* ok_label;
    std::span<char const* const> rows;               // the arguments that are shown
    void (*arrange)(GimpProcedureDialog*) = nullptr; // called once, when the arguments' widgets are there
    void (*on_model_picked)(GimpProcedureConfig*,
                            model_summary const&) = nullptr; // of an upscaler: the user has; Reset and Load Saved
                                                             // Settings do not. Null: models are no upscalers
    std::function<sentence()> note; // what will happen with the arguments as they are; throws error: what is missing
    std::function<bool()> is_open;  // whether the image still is; once it is not, run and dialog end
};

/// Shows the dialog and runs `steps` each time the user asks for it. Errors are shown in the dialog, which stays, so
/// that the settings survive and the user can try again; a cancelled run leaves it open too.
/// Returns true once a run has delivered, false when the user closed the dialog, or the image.
bool run_in_dialog(GimpProcedure*, GimpProcedureConfig*, dialog_look const&, steps const&);

} // namespace sfumato
