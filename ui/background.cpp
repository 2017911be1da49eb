#include "ui/background.h"

#include "ui/translated.h"

#include <cmath>
#include <future>
#include <memory>
#include <utility>

namespace sfumato {

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

background_run::background_run(std::function<bool(job const&)> body, std::function<void(progress const&)> shown,
                               std::function<void()> at_end)
    : show(std::move(shown)), ended(std::move(at_end)), ticks(g_timeout_add(100, on_tick, this)),
      thread([this, body = std::move(body)] {
          auto const report = [this](progress const& p) {
              std::lock_guard const lock(mutex);
              latest = p;
          };
          try {
              finished = body({.report = report, .cancelled = &stopped});
          } catch (...) {
              thrown = std::current_exception();
          }
          g_idle_add_full(G_PRIORITY_DEFAULT, on_end, this, nullptr);
      }) {}

background_run::~background_run() {
    stopped = true;
    if (thread.joinable()) thread.join();
    if (ticks) g_source_remove(ticks);
    g_idle_remove_by_data(this);
}

bool background_run::result() const {
    if (thrown) std::rethrow_exception(thrown);
    return finished;
}

void background_run::look() {
    std::optional<progress> p;
    {
        std::lock_guard const lock(mutex);
        p.swap(latest);
    }
    if (p && !stopped) show(*p);
}

gboolean background_run::on_tick(gpointer self) {
    static_cast<background_run*>(self)->look();
    return G_SOURCE_CONTINUE;
}

gboolean background_run::on_end(gpointer self) {
    auto& run = *static_cast<background_run*>(self);
    run.thread.join();
    g_source_remove(std::exchange(run.ticks, 0));
    auto const at_end = run.ended; // which may end the run's life
    at_end();
    return G_SOURCE_REMOVE;
}

bool run_in_background(std::function<bool(job const&)> const& body, watch_of_run const& watch) {
    std::unique_ptr<GMainLoop, decltype(&g_main_loop_unref)> const loop(g_main_loop_new(nullptr, FALSE),
                                                                        g_main_loop_unref);
    background_run run(body, watch.show, [&] { g_main_loop_quit(loop.get()); });
    struct looking {
        background_run& run;
        watch_of_run const& watch;
    } looks{run, watch};
    auto const look = [](gpointer data) {
        auto const& l = *static_cast<looking*>(data);
        if (!l.watch.is_wanted()) l.run.cancel();
        return gboolean(G_SOURCE_CONTINUE);
    };
    guint const ticks = g_timeout_add(100, look, &looks);
    g_main_loop_run(loop.get());
    g_source_remove(ticks);
    return run.result() && watch.is_wanted();
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
