// The engine as a process: its log, its signals, its life in the background.
#pragma once

#include "compute/sentence.h"
#include "engine/socket.h"

#include <format>
#include <string_view>

namespace sfumato {

/// A line on standard error, with date and time.
void write_log(std::string_view line);
template <class... Args> void log(std::format_string<Args...> format, Args&&... args) {
    write_log(std::format(format, std::forward<Args>(args)...));
}

/// From now on SIGTERM and SIGINT arrive as something to poll, in no thread's way; a client that is gone is no signal.
file_descriptor catch_signals();

/// Goes on in a child of init, its messages in the log; the caller's process ends. Throws error.
void go_to_background(engine_paths const&);

} // namespace sfumato
