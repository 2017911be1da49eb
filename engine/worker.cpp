#include "engine/worker.h"

#include "compute/device.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <new>

namespace sfumato {

worker::worker(std::function<void()> wake) : wake(std::move(wake)), thread([this] { loop(); }) {}

worker::~worker() {
    if (current) current->asked->cancel();
    {
        std::lock_guard lock(mutex);
        ending = true;
    }
    changed.notify_one();
    thread.join();
}

task const* worker::start_next() {
    if (current || waiting.empty()) return nullptr;
    current = std::move(waiting.front());
    waiting.pop_front();
    {
        std::lock_guard lock(mutex);
        has_work = true;
    }
    changed.notify_one();
    return running();
}

std::optional<task_end> worker::take_end() {
    std::lock_guard lock(mutex);
    if (end) current.reset();
    return std::exchange(end, {});
}

task const* worker::find(std::uint64_t client) const {
    if (current && current->client == client) return &*current;
    auto const found = std::ranges::find(waiting, client, &task::client);
    return found == waiting.end() ? nullptr : &*found;
}

bool worker::drop(std::uint64_t client) {
    return std::erase_if(waiting, [&](task const& t) { return t.client == client; }) > 0;
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
    try {
        auto const start = std::chrono::steady_clock::now();
        auto answer = t.work(*t.asked);
        if (!answer || t.asked->is_cancelled()) return task_cancelled{};
        std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
        return task_done{std::move(*answer), seconds.count()};
    } catch (device_lost const& e) {
        return task_failed{e.said, true};
    } catch (error const& e) {
        return task_failed{e.said};
    } catch (std::bad_alloc const&) {
        return task_failed{
            say("There is not enough memory for this picture; close other programs or select a smaller area.")};
    } catch (std::exception const& e) {
        return task_failed{std::string(e.what())};
    }
}

} // namespace sfumato
