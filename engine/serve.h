// `sfumato serve`: the engine process. Connections are served by one poll loop, runs by one working thread and
// questions about models by another, so the engine answers while it works and the device stays warm between calls.
#pragma once

#include "engine/jobs.h"

#include <filesystem>
#include <string>

namespace sfumato {

struct serve_options {
    std::filesystem::path socket{}; // empty = the user's own (engine/socket.h)
    int idle_exit = 300;            // seconds without work or messages; 0 = never
    bool background = false;        // return in the caller's process once the socket listens, go on in a child
    std::string build{};            // what `hello` answers; empty = build_id of this executable
    int patience = 300; // seconds that a client may take to send pixels that its run asks for, or to take what is sent
};

/// Serves until idle, told to quit, or ended by SIGTERM or SIGINT. Returns the exit code: 0, or 1 after a lost device.
/// Throws error when it cannot listen. Call it before any thread exists.
int serve(serve_options const&, engine_jobs);

} // namespace sfumato
