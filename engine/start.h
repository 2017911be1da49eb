// The engine as a process: where it is, and how it is started.
#pragma once

#include "engine/socket.h"
#include "request/job.h"

#include <chrono>
#include <string>

namespace sfumato {

struct cancelled_by_user {}; // thrown where a client's job was cancelled, and caught in client.cpp

/// Waits until `fd` has one of poll's `events`; false at the deadline. Looks at job.cancelled every 50 ms; throws
/// cancelled_by_user.
bool wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline, job const&);

struct engine_place {
    std::filesystem::path executable;
    engine_paths paths;
    std::string build;
};

/// $SFUMATO_ENGINE, else `sfumato` beside this executable, else `sfumato` on PATH. Throws error when there is none.
engine_place find_engine();

/// Starts `serve --background`, whose first process ends as soon as the socket listens or it knows why not; what it
/// said then is the error. Throws cancelled_by_user.
void start_engine(engine_place const&, job const&);

} // namespace sfumato
