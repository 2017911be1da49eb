// What `sfumato bench` measures, one function for each kind of model.
#pragma once

#include "cli/commands.h"
#include "compute/device.h"
#include "request/job.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sfumato {

struct bench_result {
    std::string text;    // for people, a few lines
    nlohmann::json json; // "seconds", "memory" …
};

/// --size, --steps, --guided. Nothing: cancelled. Throws error.
std::optional<bench_result> bench_diffusion(device&, options const&, job const&);
/// --size, --steps: runs. Nothing: cancelled. Throws error.
std::optional<bench_result> bench_upscaler(device&, options const&, job const&);
std::optional<bench_result> bench_filler(device&, options const&, job const&);

double now();                                                    // seconds
double median(std::vector<double>);                              // 0 of none
std::string peak(std::uint64_t planned, std::uint64_t measured); // "peak: … MB planned, … MB measured"

} // namespace sfumato
