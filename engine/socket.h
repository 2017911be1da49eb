// The engine's local socket: where it lies and who may use it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace sfumato {

/// Owns a file descriptor.
class file_descriptor {
  public:
    file_descriptor() = default;
    explicit file_descriptor(int fd) : fd(fd) {}
    file_descriptor(file_descriptor&& from) noexcept : fd(std::exchange(from.fd, -1)) {}
    file_descriptor& operator=(file_descriptor&& from) noexcept {
        std::swap(fd, from.fd);
        return *this;
    }
    ~file_descriptor();

    int get() const { return fd; }
    explicit operator bool() const { return fd >= 0; }

  private:
    int fd = -1;
};

/// What stands around a socket `engine.sock`.
struct engine_paths {
    std::filesystem::path socket; // directory/engine.sock
    std::filesystem::path lock;   // held by the engine that owns the socket
    std::filesystem::path log;    // directory/engine.log, what the engine says
};

/// Paths beside `socket`; empty = the user's own place: $XDG_RUNTIME_DIR/sfumato, else /tmp/sfumato-UID. That directory
/// is made with mode 0700 when it is missing. Throws error when the directory belongs to someone else or is open to
/// others.
engine_paths engine_paths_for(std::filesystem::path const& socket = {});

/// Non-blocking; the descriptor is closed on exec. No length limit on the path. connect gives an empty descriptor when
/// nobody listens there; throws error when the one who listens is another user.
file_descriptor socket_connect(std::filesystem::path const&);
file_descriptor socket_listen(std::filesystem::path const&);

/// The other end runs as this user.
bool socket_peer_is_me(file_descriptor const&);

/// Sends as much as the socket takes now. Returns the number of bytes, 0 = full, -1 = the other end is gone (no
/// SIGPIPE).
std::ptrdiff_t socket_send(file_descriptor const&, std::span<std::byte const>);
/// Receives what is there. Returns the number of bytes, 0 = nothing now, -1 = the other end is gone.
std::ptrdiff_t socket_receive(file_descriptor const&, std::span<std::byte>);

/// Names a build of the engine by its executable file: a rebuilt or upgraded engine has another. "" = no such file.
std::string build_id(std::filesystem::path const& executable);

} // namespace sfumato
