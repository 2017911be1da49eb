// What a diffusion model is asked for, as arguments of a procedure: one for each field of a request.
#pragma once

#include "request/choices.h"

#include <libgimp/gimp.h>

namespace sfumato {

/// Those that the operation has; in the order of the request's fields.
void add_diffusion_arguments(GimpProcedure*, operation);

} // namespace sfumato
