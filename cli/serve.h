// `sfumato serve`: the engine process. Connections are served by one poll loop, jobs by one working thread, so the
// engine answers while it works and the device stays warm between calls.
#pragma once

#include "cli/worker.h"

#include <filesystem>
#include <string>

namespace sfumato {

struct serve_options {
    std::filesystem::path socket{}; // empty = the user's own (cli/socket.h)
    int idle_exit = 300;            // seconds without work or messages; 0 = never
    bool background = false;        // return in the caller's process once the socket listens, go on in a child
    std::string build{};            // what `hello` answers; empty = build_id of this executable
};

/// Serves until idle, told to quit, or ended by SIGTERM or SIGINT. Returns the exit code: 0, or 1 after a lost device.
/// Throws error when it cannot listen. Call it before any thread exists.
int serve(serve_options const&, run_job);

} // namespace sfumato
