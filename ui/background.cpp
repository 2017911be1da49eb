#include "ui/background.h"

#include "ui/translated.h"

#include <cmath>
#include <exception>
#include <future>
#include <glib.h>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace sfumato {

namespace {

struct background {
    watch_of_run const& watch;
    std::unique_ptr<GMainLoop, decltype(&g_main_loop_unref)> loop{g_main_loop_new(nullptr, FALSE), g_main_loop_unref};
    std::mutex mutex{};
    std::optional<progress> latest{}; // not shown yet; guarded by the mutex
    std::atomic<bool> stopped = false;
    bool finished = false; // these two are read after the thread has ended
    std::exception_ptr thrown{};

    void show_latest() {
        std::optional<progress> p;
        {
            std::lock_guard const lock(mutex);
            p.swap(latest);
        }
        if (p) watch.show(*p);
    }
    void look() {
        show_latest();
        if (!watch.is_wanted()) stopped = true;
    }
};

gboolean on_tick(gpointer data) {
    static_cast<background*>(data)->look();
    return G_SOURCE_CONTINUE;
}

gboolean on_end(gpointer data) {
    g_main_loop_quit(static_cast<background*>(data)->loop.get());
    return G_SOURCE_REMOVE;
}

} // namespace

void on_main_thread(std::function<void()> what) {
    using errand = std::shared_ptr<std::packaged_task<void()>>; // of both threads, whichever is done with it last
    errand const e = std::make_shared<std::packaged_task<void()>>(std::move(what));
    auto done = e->get_future();
    // Not g_main_context_invoke, which may call it on this thread as long as the main loop has not begun.
    g_idle_add_full(
        G_PRIORITY_DEFAULT,
        [](gpointer data) {
            (**static_cast<errand*>(data))();
            return gboolean(G_SOURCE_REMOVE);
        },
        new errand(e), [](gpointer data) { delete static_cast<errand*>(data); });
    done.get();
}

bool run_in_background(std::function<bool(job const&)> const& body, watch_of_run const& watch) {
    background b{watch};
    job job;
    job.cancelled = &b.stopped;
    job.report = [&b](progress const& p) {
        std::lock_guard const lock(b.mutex);
        b.latest = p;
    };
    std::thread thread([&] {
        try {
            b.finished = body(job);
        } catch (...) {
            b.thrown = std::current_exception();
        }
        g_idle_add(on_end, &b);
    });
    guint const ticks = g_timeout_add(100, on_tick, &b);
    g_main_loop_run(b.loop.get());
    g_source_remove(ticks);
    thread.join();
    if (b.thrown) std::rethrow_exception(b.thrown);
    return b.finished && watch.is_wanted();
}

bool run_steps(steps const& steps, watch_of_run const& watch) {
    struct at_end {
        std::function<void()> const& clear;
        ~at_end() { clear(); }
    } const cleared{steps.clear};
    steps.prepare();
    if (!run_in_background(steps.compute, watch)) return false;
    steps.deliver();
    return true;
}

std::string describe(progress const& p) {
    sentence const doing = p.item.empty() ? p.stage : say("{}, {}", p.item, p.stage);
    if (p.seconds_left < 0) return translated(doing);
    auto const seconds = std::lround(std::ceil(p.seconds_left));
    if (seconds < 100) return translated(say("{} – about {} s left", doing, seconds));
    return translated(say("{} – about {} min left", doing, (seconds + 30) / 60));
}

} // namespace sfumato
