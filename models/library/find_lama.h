// The LaMa or MI-GAN that is used where none is named.
#pragma once

#include <string>

namespace sfumato {

/// The first in model_folders() that runs, of the files that have "lama" in their names; without one, of those with
/// "migan" or "mi-gan"; empty: there is none. Each is opened: milliseconds.
std::string find_lama();

} // namespace sfumato
