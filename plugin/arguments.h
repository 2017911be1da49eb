// The arguments of our procedures. What a request holds is declared in request/fields.h, and the argument's type, range
// and default follow from there; here it only gets its words, which are translated.
#pragma once

#include "request/request.h"
#include "ui/choice_argument.h"

#include <libgimp/gimp.h>

#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// Adds the argument of the operation's field `key`; of a choice, `choices` has the words of those that GIMP has, in
/// order; without any, it has all, by their names. `initial` has its default. What may be left to Sfumato has a name or
/// number more, its default: "automatic", or one less than the least.
void add_argument(GimpProcedure*, operation, char const* key, char const* label, char const* blurb,
                  choice_list const& choices = {}, request const& initial = {});

void add_source_argument(GimpProcedure*, operation);
source source_of(GimpProcedureConfig*);
void add_seed_argument(GimpProcedure*, operation);
void add_method_argument(GimpProcedure*);  // of an inpaint
sentence say_found(request const&);        // " LaMa found: big-lama.pt.", where its method was left open
void add_context_argument(GimpProcedure*); // …
void add_object_argument(GimpProcedure*);  // …

/// Whether the result remembers how it was made; a boolean.
constexpr char const* keeps_recipe = "keep-recipe";
void add_recipe_argument(GimpProcedure*);

/// Throws error unless a choice that is no field of a request is one of `names`: a script may have given anything.
void check_choice(GimpProcedureConfig*, char const* argument, std::vector<std::string_view> const& names);

/// What the arguments say; not resolved. Throws error that names the argument.
request request_from(GimpProcedureConfig*, operation);

/// The other way: those that there are become what a request says.
void set_arguments(GimpProcedureConfig*, request const&);

bool boolean(GimpProcedureConfig*, char const* argument);
int whole(GimpProcedureConfig*, char const* argument);
double real(GimpProcedureConfig*, char const* argument);
std::string text(GimpProcedureConfig*, char const* argument); // of a choice: its value

/// A model as a request names it: an absolute path, procedural:NAME or sfumato:NAME; empty: none was chosen. Throws
/// error when it is on no disk of this machine.
std::string model_name(GimpProcedureConfig*, char const* argument);

} // namespace sfumato
