#include "pictures/memory_file.h"

#include "compute/error.h"
#include "pictures/copy_stream.h"

#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <sys/mman.h>
#include <unistd.h>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

bool copy(std::ifstream from, std::ofstream to) {
    copy_stream(from, to);
    to.close();
    return !from.bad() && to;
}

} // namespace

memory_file::memory_file() : memory_file(::memfd_create("sfumato", MFD_CLOEXEC)) {}

memory_file::memory_file(int descriptor) : path(std::format("/proc/self/fd/{}", descriptor)), descriptor_(descriptor) {
    if (descriptor < 0) fail("There is no memory for a file: {}.", std::strerror(errno));
}

memory_file::memory_file(fs::path const& from) : memory_file() {
    if (!copy(std::ifstream(from, std::ios::binary), std::ofstream(path, std::ios::binary)))
        fail("{} cannot be read: {}.", from.string(), std::strerror(errno));
}

memory_file::~memory_file() { ::close(descriptor_); }

std::uintmax_t memory_file::size() const { return fs::file_size(path); }

void memory_file::copy_to(fs::path const& to, std::string const& name) const {
    if (!copy(std::ifstream(path, std::ios::binary), std::ofstream(to, std::ios::binary)))
        fail("{} could not be written: {}.", name, std::strerror(errno));
}

} // namespace sfumato
