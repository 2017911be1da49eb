// What a procedure of ours is made of; procedures.cpp has the table of them.
#pragma once

#include "ui/dialog.h"

#include <libgimp/gimp.h>

#include <memory>
#include <string>
#include <vector>

namespace sfumato {

/// One call of a procedure.
struct call {
    GimpImage* image;
    GimpDrawable* const* given; // null-terminated
    GimpProcedureConfig* config;
    bool interactive;
    GimpLayer* made = nullptr; // the result, once it is delivered

    /// Those that are active. While a dialog is open, another layer may be activated.
    std::vector<GimpDrawable*> drawables() const; // null-terminated
};

void add_inpaint_arguments(GimpProcedure*);
steps inpaint_steps(call&);

void add_upscale_arguments(GimpProcedure*);
steps upscale_steps(call&);
void arrange_upscale_dialog(GimpProcedureDialog*);
void set_scale_of_model(GimpProcedureConfig*, model_summary const&); // to the chosen network's own
std::string upscale_note(call const&);

} // namespace sfumato
