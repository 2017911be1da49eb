// Where finished work is kept when its own place refuses it.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace sfumato {

/// The user's cache, which is made if need be, and the folder of temporary files.
std::vector<std::filesystem::path> rescue_folders();

/// The first of sfumato-rescued-1ENDING, -2ENDING … that is not there yet.
std::filesystem::path rescue_name(std::filesystem::path const& folder, std::string_view ending);

} // namespace sfumato
