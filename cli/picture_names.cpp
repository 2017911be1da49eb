#include "cli/picture_names.h"

#include <filesystem>
#include <format>

namespace sfumato {

namespace {

std::string name_of_picture(std::string const& out, int k, int count) {
    if (count == 1) return out;
    std::filesystem::path const path = out;
    return (path.parent_path() / std::format("{}-{}{}", path.stem().string(), k + 1, path.extension().string()))
        .string();
}

} // namespace

std::vector<std::string> names_of_pictures(std::string const& out, int count, result_size const& size) {
    std::vector<std::string> names;
    for (int k = 0; k < count; ++k) {
        names.push_back(name_of_picture(out, k, count));
        check_can_write(names.back(), size);
    }
    return names;
}

} // namespace sfumato
