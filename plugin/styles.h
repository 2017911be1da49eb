// Styles that the panel offers: words that are put behind those of the user.
#pragma once

#include "request/request.h"
#include "ui/choice_argument.h"

#include <libgimp/gimp.h>

namespace sfumato {

constexpr char const* no_style = "none";

/// Something other than spaces.
bool has_words(std::string const& prompt);

/// The argument "style".
void add_style_argument(GimpProcedure*);

/// With the words of the chosen one behind the prompt and the negative prompt; nothing changes where the prompt has
/// none. Throws error: there is no such style.
void add_style(GimpProcedureConfig*, diffusion_settings&);

} // namespace sfumato
