#include "compute/cache.h"

#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <unistd.h>

namespace sfumato {

std::string cache_path(std::string_view name) {
    std::filesystem::path directory;
    if (char const* dir = std::getenv("XDG_CACHE_HOME"); dir && *dir)
        directory = dir;
    else if (char const* home = std::getenv("HOME"); home && *home)
        directory = std::filesystem::path(home) / ".cache";
    else
        return {};
    return directory / "sfumato" / name;
}

void cache_write(std::string const& path, std::string_view bytes) {
    if (path.empty()) return;
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    std::string const partial = std::format("{}.{}", path, getpid());
    std::ofstream file(partial, std::ios::binary);
    file.write(bytes.data(), std::streamsize(bytes.size()));
    file.close();
    if (file)
        std::filesystem::rename(partial, path, ignored);
    else
        std::filesystem::remove(partial, ignored);
}

} // namespace sfumato
