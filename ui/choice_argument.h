// An argument that is one of several names. GIMP has choice arguments, but there a script's wrong choice silently
// becomes the default before the plug-in sees it; this is a text that the dialog lets choose, and that is checked when
// it is read.
#pragma once

#include <libgimp/gimpui.h>

#include <vector>

namespace sfumato {

struct choice_words {
    char const* name; // "layer"
    char const* label;
};
using choice_list = std::vector<choice_words>;

/// `blurb` gets the names as its end, for those who write scripts.
void add_choice_argument(GimpProcedure*, char const* name, char const* label, char const* blurb, choice_list const&,
                         char const* initial);

/// What the procedure's argument was added with; null: it is no choice.
choice_list const* choices_of(GParamSpec* argument);

/// Follows the argument of `config`, and changes it.
GtkWidget* make_choice_box(GimpProcedureConfig* config, char const* name, choice_list const&);

/// A long name does not make the dialog wide.
void ellipsize_choices(GtkWidget* combo_box);

} // namespace sfumato
