// Sentences for the user in the user's language. Labels are marked with _(), sentences with say() and fail() as
// everywhere, and are translated where they are shown. Every file that has some is listed in po/POTFILES.in.
#pragma once

#include "compute/error.h"

#define GETTEXT_PACKAGE "gimp-sfumato" // the catalogues are called so: GIMP looks for the plug-in's name
#include <glib/gi18n-lib.h>

namespace sfumato {

/// The sentence, and those that stand in its places, in the user's language where a catalogue has them; what the
/// system says of an error, where the system's has it.
std::string translated(sentence);

/// Of whatever was thrown, an error first of all.
std::string translated(std::exception const&);

} // namespace sfumato
