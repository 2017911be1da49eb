// The engine's claim on a socket: one engine for each path, and none left behind by a crash.
#pragma once

#include "engine/socket.h"

namespace sfumato {

/// Listens on a socket while the lock beside it is held. The kernel drops the lock when the process dies, however it
/// dies, so a socket whose lock is free is stale and is replaced.
class endpoint {
  public:
    /// Waits up to 2 seconds for an engine that is just handing over. Throws error when another engine keeps the path.
    explicit endpoint(std::filesystem::path const& socket);
    ~endpoint() { release(); }
    endpoint(endpoint const&) = delete;

    /// The next connection of this user; empty when there is none now.
    file_descriptor accept();

    int listener() const { return listening.get(); } // to poll; -1 after release()

    /// Nobody new can connect and another engine may take the path at once. Nothing is left there.
    void release();

  private:
    engine_paths paths;
    file_descriptor lock, listening;
};

/// Removes what one that was killed has left there; nothing as long as somebody listens.
void remove_abandoned(std::filesystem::path const& socket);

} // namespace sfumato
