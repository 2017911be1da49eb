// A working thread of the engine, and the line of those who wait for it.
#pragma once

#include "engine/session.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace sfumato {

/// How a task ended.
struct task_done {
    nlohmann::json answer; // what the client is told: an object with a "type"
    double seconds = 0;
};
struct task_cancelled {};
struct task_failed {
    sentence said;
    bool device_lost = false; // this process can do no more work
};
using task_end = std::variant<task_done, task_cancelled, task_failed>;

/// Something that a client asked for. One at a time for each client.
struct task {
    std::uint64_t client = 0; // who asked
    std::string type;         // of the message: "run"
    std::shared_ptr<session> asked;
    /// Does it, on the working thread. Nothing: cancelled.
    std::function<std::optional<nlohmann::json>(session&)> work;
};

/// First come, first served: whoever wants another goes to the end of the line. All is called on the server's thread.
class worker {
  public:
    /// `wake` is called on the working thread when a task has ended.
    explicit worker(std::function<void()> wake);

    /// Cancels what runs and waits for it.
    ~worker();

    void add(task t) { waiting.push_back(std::move(t)); }
    /// Starts the next one, if none runs; what was started.
    task const* start_next();
    task const* running() const { return current ? &*current : nullptr; }
    /// How the running task ended, once; afterwards nothing is running.
    std::optional<task_end> take_end();

    task const* find(std::uint64_t client) const; // running or waiting
    /// Takes it out of the line. False: it is not there.
    bool drop(std::uint64_t client);
    std::deque<task> drop_all() { return std::exchange(waiting, {}); }
    bool is_idle() const { return !current && waiting.empty(); }

  private:
    void loop();
    task_end run(task const&);

    std::function<void()> const wake;
    std::deque<task> waiting;
    std::optional<task> current; // written by the server's thread only; read by both while a task runs

    std::mutex mutex; // guards all below
    std::condition_variable changed;
    bool has_work = false, ending = false;
    std::optional<task_end> end;

    std::thread thread; // last: starts when all else is ready
};

} // namespace sfumato
