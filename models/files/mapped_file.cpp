#include "models/files/mapped_file.h"

#include "compute/error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sfumato {

namespace {

// A file that is opened; closed at the end.
struct descriptor {
    int number;
    ~descriptor() {
        if (number >= 0) close(number);
    }
};

std::array<std::int64_t, 5> state_of(struct stat const& s) {
    return {std::int64_t(s.st_dev), std::int64_t(s.st_ino), s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
}

} // namespace

bool mapped_file::is_current() const {
    struct stat now;
    return path.empty() || (stat(path.c_str(), &now) == 0 && state_of(now) == state);
}

mapped_file map_file(std::filesystem::path const& path) {
    // Not blocking: a pipe would wait for a writer.
    descriptor const file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat status;
    if (file.number < 0 || fstat(file.number, &status) != 0)
        fail("'{}' cannot be opened: {}.", path.string(), system_says());
    if (!S_ISREG(status.st_mode)) fail("'{}' is not a file.", path.string());
    if (status.st_size == 0) fail("'{}' is empty; get the file again.", path.string());

    auto const size = std::size_t(status.st_size);
    void* const start = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number, 0);
    if (start == MAP_FAILED) fail("'{}' cannot be mapped into memory: {}.", path.string(), system_says());
    return {.mapping = {start, [size](void const* mapped) { munmap(const_cast<void*>(mapped), size); }},
            .bytes = {static_cast<std::byte const*>(start), size},
            .path = path,
            .state = state_of(status)};
}

} // namespace sfumato
