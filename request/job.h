// How a running job talks to whoever asked for it.
#pragma once

#include "compute/sentence.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

namespace sfumato {

struct progress {
    sentence stage;           // what is being done, as the user reads it: "fill 256 × 192"
    double fraction = 0;      // 0..1 of the whole job
    double seconds_left = -1; // negative: not known yet
    sentence item{};          // where several things are made, which one: "picture 2 of 3"

    /// "picture 2 of 3, fill 256 × 192"
    std::string text() const { return (item.empty() ? "" : item.text() + ", ") + stage.text(); }
};

struct job {
    std::function<void(progress const&)> report = [](progress const&) {}; // may come from another thread
    std::atomic<bool> const* cancelled = nullptr;                         // set by the caller, read often

    bool is_cancelled() const { return cancelled && cancelled->load(std::memory_order_relaxed); }
};

/// The job of a part of a job: its 0 … 1 is `from` … `to` of the whole's.
inline job part_of(job const& whole, double from, double to) {
    auto const tell = [=](progress p) {
        p.fraction = from + (to - from) * p.fraction;
        whole.report(p);
    };
    return {.report = tell, .cancelled = whole.cancelled};
}

/// The job with the time that is left of it, from now on.
inline job timed(job const& whole) {
    using clock = std::chrono::steady_clock;
    auto const tell = [whole, start = clock::now()](progress p) {
        double const seconds = std::chrono::duration<double>(clock::now() - start).count();
        p.seconds_left = p.fraction > 0.05 ? seconds * (1 - p.fraction) / p.fraction : -1;
        whole.report(p);
    };
    return {.report = tell, .cancelled = whole.cancelled};
}

} // namespace sfumato
