#include "cli/worker.h"

#include "compute/device.h"

#include <cassert>
#include <chrono>
#include <new>

namespace sfumato {

worker::worker(run_job do_job, std::function<void()> wake)
    : do_job(std::move(do_job)), wake(std::move(wake)), thread([this] { loop(); }) {}

worker::~worker() {
    if (current) *current->cancelled = true;
    {
        std::lock_guard lock(mutex);
        ending = true;
    }
    changed.notify_one();
    thread.join();
}

void worker::start(task t) {
    assert(!current);
    current = std::move(t);
    {
        std::lock_guard lock(mutex);
        has_work = true;
        latest.reset();
    }
    changed.notify_one();
}

std::optional<progress> worker::take_progress() {
    std::lock_guard lock(mutex);
    return std::exchange(latest, {});
}

std::optional<task_end> worker::take_end() {
    std::lock_guard lock(mutex);
    if (end) current.reset();
    return std::exchange(end, {});
}

void worker::loop() {
    std::unique_lock lock(mutex);
    while (true) {
        changed.wait(lock, [this] { return has_work || ending; });
        if (ending) return;
        has_work = false;
        lock.unlock();
        task_end ended = run(*current);
        lock.lock();
        end = std::move(ended);
        lock.unlock();
        wake();
        lock.lock();
    }
}

task_end worker::run(task const& t) {
    job const job{
        .report =
            [this](progress const& p) {
                {
                    std::lock_guard lock(mutex);
                    latest = p;
                }
                wake();
            },
        .cancelled = t.cancelled.get(),
    };
    try {
        auto const start = std::chrono::steady_clock::now();
        auto result = do_job(t.run.input, job);
        if (!result) return task_cancelled{};
        std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
        return task_result{std::move(*result), seconds.count()};
    } catch (device_lost const& e) {
        return task_failed{e.what(), true};
    } catch (std::bad_alloc const&) {
        return task_failed{
            "There is not enough memory for this picture; close other programs or select a smaller area."};
    } catch (std::exception const& e) {
        return task_failed{e.what()};
    }
}

} // namespace sfumato
