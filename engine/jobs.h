// What the engine does with requests, on the device. Tests put something slow or failing in its place.
#pragma once

#include "models/pipelines/diffusion/generate.h"
#include "models/pipelines/upscale/upscale.h"
#include "request/job.h"
#include "request/run.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// A run of any operation.
using run_job = std::function<std::optional<run_result>(run_input const&, job const&)>;
/// On the chosen device ("" = the best), which is opened by the first job and stays open.
run_job open_device_job(std::string device_choice);

/// txt2img and img2img on the chosen device; the model stays open between calls.
using run_generate = std::function<std::optional<std::vector<picture>>(request const&, picture const* from, job const&,
                                                                       generate_watch const&)>;
run_generate open_generate_job(std::string device_choice);

/// The upscale of one part on the chosen device, which is opened now; the model stays open between calls.
using run_upscale = std::function<std::optional<run_result>(run_input const&, job const&,
                                                            std::function<void(upscale_plan const&)> const& planned)>;
run_upscale open_upscale_job(std::string device_choice);

} // namespace sfumato
