// What the engine does with requests, on the device. Tests put something slow or failing in its place.
#pragma once

#include "request/job.h"
#include "request/model_summary.h"
#include "request/run.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// All of one engine, on one thread at a time; models stay open from one call to the next.
struct engine_jobs {
    /// Runs a request whose pictures are checked (check_pictures). False: cancelled.
    std::function<bool(run_input const&, run_client&, job const&)> run;
    /// What that would take; may read pictures. Nothing: cancelled.
    std::function<std::optional<run_plan>(run_input const&, run_client&, job const&)> estimate;
    /// Those that can do runs, the best first; asked from another thread. Throws error: there is no Vulkan.
    std::function<std::vector<device_choice>()> devices;
    /// What is wrong with the device is said now, and not by the first run.
    std::function<void()> open_device;
    /// Opens an upscaler's file, for the run that follows, and says what it is. Throws error when it is none.
    std::function<model_summary(std::string const& model)> open_upscaler;
};

/// On the chosen device ("" = the best), which is opened when it is needed and stays open until a run names another.
engine_jobs open_jobs(std::string device_choice);

} // namespace sfumato
