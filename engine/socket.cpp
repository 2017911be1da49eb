#include "engine/socket.h"

#include "compute/error.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace sfumato {

namespace fs = std::filesystem;

file_descriptor::~file_descriptor() {
    if (fd >= 0) ::close(fd);
}

namespace {

// Makes `directory` with mode 0700, or checks that what is there is a directory of ours that nobody else can enter.
void own_directory(fs::path const& directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        fail("The directory {} cannot be made: {}.", directory.string(), system_says());
    struct stat info{};
    if (::lstat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
        fail("{} must be a directory; remove what is there.", directory.string());
    if (info.st_uid != ::geteuid())
        fail("The directory {} belongs to another user; remove it or set XDG_RUNTIME_DIR.", directory.string());
    if (info.st_mode & 077)
        fail("The directory {} is open to other users; run: chmod 700 {}", directory.string(), directory.string());
}

fs::path default_directory() {
    char const* runtime = std::getenv("XDG_RUNTIME_DIR");
    struct stat info{};
    if (runtime && runtime[0] == '/' && ::stat(runtime, &info) == 0 && S_ISDIR(info.st_mode) &&
        info.st_uid == ::geteuid() && ::access(runtime, W_OK) == 0)
        return fs::path(runtime) / "sfumato";
    return fs::path(std::format("/tmp/sfumato-{}", ::geteuid()));
}

// An address reached through a descriptor of its directory, since sun_path holds 107 bytes and directories can be
// longer.
struct local_address {
    file_descriptor directory;
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};

    explicit local_address(fs::path const& path)
        : directory(
              ::open(path.parent_path().empty() ? "." : path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
        std::string const text = std::format("/proc/self/fd/{}/{}", directory.get(), path.filename().string());
        if (path.filename().empty() || text.size() >= sizeof address.sun_path)
            fail("{} cannot be a socket: its file name must have 1 to 80 characters.", path.string());
        std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    }
    sockaddr const* get() const { return reinterpret_cast<sockaddr const*>(&address); }
};

file_descriptor make_socket() {
    file_descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) fail("A local socket cannot be made: {}.", system_says());
    return fd;
}

} // namespace

engine_paths engine_paths_for(fs::path const& socket) {
    fs::path path = socket.empty() ? socket : fs::absolute(socket); // an engine in the background works elsewhere
    if (path.empty()) {
        fs::path const directory = default_directory();
        own_directory(directory);
        path = directory / "engine.sock";
    }
    fs::path lock = path;
    return {path, lock += ".lock", path.parent_path() / "engine.log"};
}

file_descriptor socket_connect(fs::path const& path) {
    local_address const address(path);
    file_descriptor fd = make_socket();
    if (!address.directory || ::connect(fd.get(), address.get(), sizeof address.address) != 0) return {};
    if (!socket_peer_is_me(fd)) fail("The engine at {} belongs to another user.", path.string());
    return fd;
}

file_descriptor socket_listen(fs::path const& path) {
    local_address const address(path);
    file_descriptor fd = make_socket();
    if (!address.directory || ::bind(fd.get(), address.get(), sizeof address.address) != 0 ||
        ::listen(fd.get(), 64) != 0)
        fail("The engine cannot listen at {}: {}.", path.string(), system_says());
    return fd;
}

bool socket_peer_is_me(file_descriptor const& fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

std::ptrdiff_t socket_send(file_descriptor const& fd, std::span<std::byte const> bytes) {
    ssize_t const sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

std::ptrdiff_t socket_receive(file_descriptor const& fd, std::span<std::byte> to) {
    ssize_t const received = ::recv(fd.get(), to.data(), to.size(), MSG_DONTWAIT);
    if (received > 0) return received;
    return received < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

std::string build_id(fs::path const& executable) {
    struct stat info{};
    if (::stat(executable.c_str(), &info) != 0) return {};
    return std::format("{}-{}-{}.{}", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

} // namespace sfumato
