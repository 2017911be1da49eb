// The engine's one working thread: runs a job at a time and tells the server how it goes.
#pragma once

#include "cli/protocol.h"
#include "models/job.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

namespace sfumato {

/// What the engine does with a request, on the device. Tests put something slow or failing here.
using run_job = std::function<std::optional<run_result>(run_input const&, job const&)>;

struct task {
    std::uint64_t client = 0; // who asked
    run_message run;
    std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
};

/// How a task ended.
struct task_result {
    run_result result;
    double seconds = 0;
};
struct task_cancelled {};
struct task_failed {
    std::string message;
    bool device_lost = false; // this process can do no more work
};
using task_end = std::variant<task_result, task_cancelled, task_failed>;

class worker {
  public:
    /// `wake` is called on the working thread whenever there is something to take.
    worker(run_job, std::function<void()> wake);

    /// Cancels what runs and waits for it.
    ~worker();

    /// One at a time: only when running() is null and the end of the last was taken.
    void start(task);

    task const* running() const { return current ? &*current : nullptr; }

    /// The latest progress since the last call.
    std::optional<progress> take_progress();

    /// How the task ended, once; afterwards nothing is running.
    std::optional<task_end> take_end();

  private:
    void loop();
    task_end run(task const&);

    run_job const do_job;
    std::function<void()> const wake;
    std::optional<task> current; // written by the server's thread only; read by both while a task runs

    std::mutex mutex; // guards all below
    std::condition_variable changed;
    bool has_work = false, ending = false;
    std::optional<progress> latest;
    std::optional<task_end> end;

    std::thread thread; // last: starts when all else is ready
};

} // namespace sfumato
