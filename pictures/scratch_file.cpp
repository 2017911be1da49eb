#include "pictures/scratch_file.h"

#include <atomic>
#include <format>
#include <unistd.h>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

fs::path name_beside(fs::path const& other) {
    static std::atomic<unsigned> count{0};
    return fs::absolute(other).parent_path() / std::format(".sfumato-{}-{}", ::getpid(), ++count);
}

} // namespace

scratch_file::scratch_file(fs::path const& beside) : path(name_beside(beside)) {}

scratch_file::~scratch_file() {
    std::error_code ignored;
    fs::remove(path, ignored);
}

fs::path behind_links(fs::path path) {
    std::error_code none;
    for (int links = 0; links < 40 && fs::is_symlink(path, none); ++links)
        path = fs::absolute(path).parent_path() / fs::read_symlink(path, none);
    return path;
}

} // namespace sfumato
