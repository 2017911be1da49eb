// How long the panel's next run takes: asked of the engine while nothing else is at work.
#pragma once

#include "plugin/panel_task.h"
#include "ui/background.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace sfumato {

/// What a run would read, by its sizes alone.
struct run_outline {
    sfumato::request request;
    rect area, hole;          // in image coordinates; of an inpaint the latter lies in the former
    bool is_of_empty = false; // the hole is what is empty there: that is looked for when it is asked
    int variants = 1;
    std::optional<std::string> device{}; // as run_input has it

    bool operator==(run_outline const&) const = default;
};

/// Throws error like find_task().
run_outline outline_of(panel_task const&, int variants, GimpImage*, GimpDrawable* const* drawables);

class run_estimate {
  public:
    /// `found`: called on the main thread when there is something new to say.
    explicit run_estimate(std::function<void()> found) : found(std::move(found)) {}

    /// Called often. A question is asked when it has stayed the same for a while, and only `when_free`. Image and
    /// drawables as of outline_of().
    void look(run_outline const&, bool when_free, GimpImage*, GimpDrawable* const* drawables);
    /// There is nothing to ask.
    void look_away();

    /// What was answered may be out of date: a run has shown how fast it goes.
    void ask_again() { asked.reset(); }

    /// A sentence with a space before it, or nothing where it is not known.
    sentence words() const;

  private:
    void want(std::optional<run_outline> const&, bool when_free);
    void ask(GimpImage*, GimpDrawable* const* drawables);

    std::function<void()> found;
    std::optional<run_outline> wanted, asked;
    std::chrono::steady_clock::time_point since; // when it was wanted first
    double seconds = -1;                         // of `asked`
    std::unique_ptr<background_run> asking;
};

/// " It takes about 3 minutes." Nothing: not known, below 0.
sentence say_time(double seconds);

} // namespace sfumato
