// What a procedure of ours is made of; procedures.cpp has the table of them.
#pragma once

#include "ui/dialog.h"

#include <libgimp/gimp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sfumato {

/// One call of a procedure.
struct call {
    GimpImage* image;
    GimpDrawable* const* given; // null-terminated
    GimpProcedureConfig* config;
    GimpRunMode mode;
    GimpLayer* made = nullptr; // the result, once it is delivered

    /// Those that are active. While a dialog is open, another layer may be activated.
    std::vector<GimpDrawable*> drawables() const; // null-terminated

    bool is_interactive() const { return mode == GIMP_RUN_INTERACTIVE; }
    bool is_open() const { return gimp_image_is_valid(image); } // a run takes a while, and the user may close the image
};

/// How GIMP shows a procedure, in the user's language; one without `menu_label` is for scripts alone. It can always be
/// chosen, so that what is missing can be said in a sentence.
void describe(GimpProcedure*, char const* menu_label, char const* blurb, char const* help);

/// What `run` returns; what it throws becomes the procedure's error, in one sentence. So does what GIMP refuses, which
/// would open a window for each by itself.
GimpValueArray* answer(GimpProcedure*, std::function<GimpValueArray*()> const& run);

void add_inpaint_arguments(GimpProcedure*);
steps inpaint_steps(call&);

void add_txt2img_arguments(GimpProcedure*);
steps txt2img_steps(call&);

void add_img2img_arguments(GimpProcedure*);
steps img2img_steps(call&);

void add_upscale_arguments(GimpProcedure*);
steps upscale_steps(call&);
void arrange_upscale_dialog(GimpProcedureDialog*);
void set_scale_of_model(GimpProcedureConfig*, model_summary const&); // to the chosen network's own
sentence upscale_note(call const&);

} // namespace sfumato
