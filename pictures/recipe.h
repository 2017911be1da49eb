// Recipes in files: what a result was made with, so that it can be made again.
#pragma once

#include <filesystem>
#include <string>

namespace sfumato {

/// Where a PNG keeps its recipe: among its texts, as its comment.
inline constexpr char recipe_keyword[] = "Comment";

/// The recipe (a request as JSON, not yet parsed) that a PNG carries, or that `path` is. Throws error: it cannot be
/// read, a PNG without one, more than 4 MiB.
std::string read_recipe(std::filesystem::path const& path);

} // namespace sfumato
