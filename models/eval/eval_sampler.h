// Runs a golden sampler case: a scheduler of diffusers with a network that has a closed form, f(x, t) = tanh(0.7·x +
// 0.3·t/1000) of the scaled input. The same evaluations as those of a real run, on the host or on the device.
#pragma once

#include "compute/device.h"
#include "models/files/checkpoint.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sfumato {

struct eval_tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<double> values;
    bool whole = false; // integers, as diffusers has them
};

/// `golden`: for each number of steps N that it has, "N.in.x" (the start, with init_noise_sigma in it) and, where the
/// sampler draws noise, "N.noise" [draws, …]; metadata "scheduler" (the class) and "config" (its JSON, as text). A
/// DDIMScheduler has η = 1 where there is noise, else 0. Gives N.timesteps, N.sigmas (of schedulers that have some),
/// N.init_noise_sigma, N.model_output and N.trajectory [evaluations + 1, …]. With a device its kernel does the steps,
/// in fp32; otherwise the host, in double. Throws error when the case lacks something or the scheduler is not
/// supported.
std::vector<eval_tensor> eval_sampler(checkpoint const& golden, device* = nullptr);

} // namespace sfumato
