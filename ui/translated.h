// Sentences for the user in the user's language. Written with std::format's placeholders; every file that uses _() is
// listed in po/POTFILES.in.
#pragma once

#include "compute/error.h"

#define GETTEXT_PACKAGE "gimp-sfumato" // the catalogues are called so: GIMP looks for the plug-in's name
#include <glib/gi18n-lib.h>

namespace sfumato {

template <class... Args> std::string format_translated(char const* sentence, Args const&... args) {
    return std::vformat(sentence, std::make_format_args(args...));
}

/// fail() with a sentence already translated: `fail_translated(_("“{}” is a layer group."), name)`.
template <class... Args> [[noreturn]] void fail_translated(char const* sentence, Args const&... args) {
    throw error(format_translated(sentence, args...));
}

/// A sentence that comes from elsewhere (the engine), in the user's language where a catalogue has it. `context`: of
/// the catalogue's entries (NC_, C_), or null.
std::string translated(sentence const&, char const* context = nullptr);

/// Of whatever was thrown, an error first of all.
std::string translated(std::exception const&);

} // namespace sfumato
