// Work on a thread of its own while the main loop goes on: GTK and libgimp belong to the main thread.
#pragma once

#include "request/job.h"

namespace sfumato {

/// What a procedure does, cut where the threads change.
struct steps {
    std::function<void()> prepare;           // main thread: reads the document
    std::function<bool(job const&)> compute; // its own thread; false: cancelled
    std::function<void()> deliver;           // main thread: changes the document
    std::function<void()> clear; // main thread, at the end in any case: lets go of all that was read and made
};

/// Called by steps.compute: does `what` on the main thread, and waits for it. Rethrows what it throws.
void on_main_thread(std::function<void()> what);

/// Who asked for a run; called on the main thread, at most ten times a second.
struct watch_of_run {
    std::function<void(progress const&)> show; // the latest progress
    std::function<bool()> is_wanted;           // once it is not, the run ends
};

/// Runs `body` on a new thread and the main loop on this one until it ends. Returns what `body` returns (false:
/// cancelled), false also when it is wanted no more; rethrows what `body` throws.
bool run_in_background(std::function<bool(job const&)> const& body, watch_of_run const&);

/// The three steps in turn; false: cancelled, nothing delivered.
bool run_steps(steps const&, watch_of_run const&);

/// "Fill from coarse to fine, 2 of 5 – about 12 s left", in the user's language.
std::string describe(progress const&);

} // namespace sfumato
