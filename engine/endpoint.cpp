#include "engine/endpoint.h"

#include "compute/error.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace sfumato {

namespace {

// Whoever gives a lock back removes its file: one that waited for it may hold a file that is no longer there.
bool is_at(std::filesystem::path const& path, file_descriptor const& file) {
    struct stat here{}, held{};
    return ::stat(path.c_str(), &here) == 0 && ::fstat(file.get(), &held) == 0 && here.st_dev == held.st_dev &&
           here.st_ino == held.st_ino;
}

// Empty: somebody else holds it.
file_descriptor try_lock(engine_paths const& paths) {
    file_descriptor lock(::open(paths.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) fail("The engine's lock {} cannot be opened: {}.", paths.lock.string(), system_says());
    bool const held = ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 && is_at(paths.lock, lock);
    return held ? std::move(lock) : file_descriptor();
}

file_descriptor take_lock(engine_paths const& paths) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (true) {
        if (file_descriptor lock = try_lock(paths)) return lock;
        if (socket_connect(paths.socket) || std::chrono::steady_clock::now() > deadline)
            fail("Another engine is already listening at {}.", paths.socket.string());
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

// By whoever holds the lock.
void remove_files(engine_paths const& paths) {
    std::error_code ignored; // what is gone already is what we want
    std::filesystem::remove(paths.socket, ignored);
    std::filesystem::remove(paths.lock, ignored);
}

} // namespace

endpoint::endpoint(std::filesystem::path const& socket) : paths(engine_paths_for(socket)), lock(take_lock(paths)) {
    // The lock is ours: whatever lies at the path is stale, unless somebody without a lock answers there.
    if (socket_connect(paths.socket)) fail("Another program is already listening at {}.", paths.socket.string());
    if (std::filesystem::exists(paths.socket) && !std::filesystem::is_socket(paths.socket))
        fail("{} is not a socket; choose another path or remove it.", paths.socket.string());
    std::filesystem::remove(paths.socket);
    listening = socket_listen(paths.socket);
}

file_descriptor endpoint::accept() {
    while (listening) {
        file_descriptor connection(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!connection || socket_peer_is_me(connection)) return connection;
    }
    return {};
}

void endpoint::release() {
    if (!listening) return;
    remove_files(paths);
    listening = file_descriptor();
    lock = file_descriptor();
}

void remove_abandoned(std::filesystem::path const& socket) {
    engine_paths const paths = engine_paths_for(socket);
    if (file_descriptor const lock = try_lock(paths)) remove_files(paths);
}

} // namespace sfumato
