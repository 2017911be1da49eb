// The panel's rows: an argument of its procedure each, as a widget with a label.
#pragma once

#include "ui/choice_argument.h"

#include <functional>
#include <libgimp/gimpui.h>
#include <string>

namespace sfumato {

/// A paragraph at the end of a box, empty yet.
GtkWidget* add_paragraph(GtkWidget* box);

/// A column of labels and one of widgets.
struct panel_rows {
    GimpProcedure* procedure;
    GimpProcedureConfig* config;
    GtkGrid* grid;
    int count = 0;
    bool has_mnemonics = true; // GTK lets those of rows that are folded away take keys from others

    panel_rows(GimpProcedure*, GimpProcedureConfig*);

    /// The label is the widget's name, too, for those who cannot see it.
    GtkWidget* add(char const* label, char const* tooltip, GtkWidget*);
    void add_wide(GtkWidget*);

    // Of the argument `name`, with its label.

    GtkWidget* add_text(char const* name, int lines); // several lines; Tab leaves it
    GtkWidget* add_choice(char const* name, choice_list const&);
    GtkWidget* add_choice(char const* name); // its own
    GtkWidget* add_slider(char const* name, double step, int digits);
    /// `can_be_left`: its least value is shown as “Automatic”.
    GtkWidget* add_number(char const* name, double step, int digits, bool can_be_left = false);
    GtkWidget* add_check(char const* name); // over both columns
    GtkWidget* add(char const* name, GtkWidget*);

  private:
    std::string label_of(char const* text) const; // with its mnemonic, where rows have them
};

} // namespace sfumato
