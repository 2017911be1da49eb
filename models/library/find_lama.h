// The LaMa or MI-GAN that is used where none is named.
#pragma once

#include <filesystem>
#include <optional>

namespace sfumato {

/// The first in model_folders() that runs, of the files that have "lama" in their names; without one, of those with
/// "migan" or "mi-gan". Each is opened: milliseconds.
std::optional<std::filesystem::path> find_lama();

} // namespace sfumato
