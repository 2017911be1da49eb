#include "pictures/recipe.h"

#include "compute/error.h"
#include "pictures/png_text.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace sfumato {

namespace {

constexpr std::streamsize most_bytes = 4 << 20;

std::string whole(std::istream& file, std::string const& name) {
    std::string text(most_bytes + 1, '\0');
    text.resize(std::size_t(file.read(text.data(), most_bytes + 1).gcount()));
    if (file.bad()) fail("{} cannot be read: {}.", name, std::strerror(errno));
    if (std::streamsize(text.size()) > most_bytes) fail("{} is no recipe: it has more than 4 MiB.", name);
    return text;
}

} // namespace

std::string read_recipe(std::filesystem::path const& path) {
    std::string const name = path.string();
    if (std::filesystem::is_directory(path)) fail("{} is a directory, not a recipe.", name);
    std::ifstream file(path, std::ios::binary);
    if (!file) fail("{} cannot be read: {}.", name, std::strerror(errno));
    char first[4]{};
    file.read(first, sizeof first);
    file.clear();
    file.seekg(0);
    if (std::string_view(first, sizeof first) != "\x89PNG") return whole(file, name);
    auto recipe = find_png_text(file, recipe_keyword, name);
    if (!recipe) fail("{} carries no recipe; only pictures that Sfumato wrote do.", name);
    return std::move(*recipe);
}

} // namespace sfumato
