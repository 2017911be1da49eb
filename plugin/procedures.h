// What GIMP can ask of Sfumato: one table of procedures with their menu entries, arguments and operations.
#pragma once

#include <libgimp/gimp.h>

namespace sfumato {

GList* procedure_names();                                               // of newly allocated strings
GimpProcedure* create_procedure(GimpPlugIn* plug_in, char const* name); // null: not one of ours

} // namespace sfumato
