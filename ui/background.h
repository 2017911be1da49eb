// Work on a thread of its own while the main loop goes on: GTK and libgimp belong to the main thread.
#pragma once

#include "request/job.h"

#include <exception>
#include <functional>
#include <glib.h>
#include <mutex>
#include <optional>
#include <thread>

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

/// `body` on a thread of its own while the main loop goes on.
class background_run {
  public:
    /// Called on the main thread: `show` with the latest progress, at most ten times a second; `ended` once, when the
    /// thread has ended.
    background_run(std::function<bool(job const&)> body, std::function<void(progress const&)> show,
                   std::function<void()> ended);
    background_run(background_run const&) = delete;
    ~background_run(); // cancels, and waits for the thread; then neither is called any more

    void cancel() { stopped = true; }

    /// At the end: what `body` returned (false: cancelled). Rethrows what it threw.
    bool result() const;

  private:
    void look();
    static gboolean on_tick(gpointer self);
    static gboolean on_end(gpointer self);

    std::function<void(progress const&)> show;
    std::function<void()> ended;
    std::mutex mutex;
    std::optional<progress> latest; // not shown yet; guarded by the mutex
    std::atomic<bool> stopped = false;
    bool finished = false; // these two are read after the thread has ended
    std::exception_ptr thrown;
    guint ticks = 0;
    std::thread thread;
};

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
