// The arguments of our procedures. What a request holds is declared in request/fields.h, and the argument's type, range
// and default follow from there; here it only gets its words, which are translated.
#pragma once

#include "request/request.h"

#include <libgimp/gimp.h>

#include <string>
#include <vector>

namespace sfumato {

struct choice_words {
    char const* name; // "layer"
    char const* label;
    char const* help = nullptr;
};
using choice_list = std::vector<choice_words>;

/// Adds the argument of the operation's field `key`; of a choice, `choices` has the words of all of them, in order.
void add_argument(GimpProcedure*, operation, char const* key, char const* label, char const* blurb,
                  choice_list const& choices = {});

void add_source_argument(GimpProcedure*, operation);

/// What the arguments say; not resolved. Throws error.
request request_from(GimpProcedureConfig*, operation);

bool boolean(GimpProcedureConfig*, char const* argument);
double real(GimpProcedureConfig*, char const* argument);
std::string text(GimpProcedureConfig*, char const* argument); // of a choice: its value

/// A model as a request names it: an absolute path, procedural:NAME or sfumato:NAME; empty: none was chosen. Throws
/// error, translated, when it is on no disk of this machine.
std::string model_name(GimpProcedureConfig*, char const* argument);

} // namespace sfumato
