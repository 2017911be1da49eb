// Schedulers as diffusers configures them (scheduler_config.json of a model's folder), for results equal to its own.
#pragma once

#include "models/sampling/samplers.h"

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

namespace sfumato {

struct diffusers_run {
    /// Samples are kept as the scheduler keeps them: Euler's, Heun's and DPM++ SDE's at x0 + σ·n, others' at unit
    /// variance. from_noise is its init_noise_sigma.
    sampling_run run;
    std::vector<double> timesteps; // scheduler.timesteps: of every evaluation at full strength
    bool whole_timesteps = false;  // they are integers there
    std::vector<double> sigmas;    // scheduler.sigmas; empty where it has none
};

struct diffusers_options {
    int steps = 50;
    double eta = 0; // of DDIMScheduler
    double strength =
        1; // the last ⌊steps · strength⌋ run, as its img2img and inpaint pipelines do; of flows, rounded up
};

/// `name`: DDIMScheduler, PNDMScheduler (skip_prk_steps), EulerDiscreteScheduler, EulerAncestralDiscreteScheduler,
/// HeunDiscreteScheduler, DPMSolverMultistepScheduler (dpmsolver++, sde-dpmsolver++), DPMSolverSDEScheduler,
/// UniPCMultistepScheduler (bh2), LCMScheduler, FlowMatchEulerDiscreteScheduler. Keys that `config` lacks are as in
/// that class. Throws error naming the key: a value that is not supported, or of the wrong type.
diffusers_run plan_diffusers(std::string_view name, nlohmann::json const& config, diffusers_options const&);

} // namespace sfumato
