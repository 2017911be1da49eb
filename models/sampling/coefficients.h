// An evaluation as the kernel sampler_step takes it.
#pragma once

#include "compute/ops_sampler.h"
#include "models/sampling/samplers.h"

namespace sfumato {

/// What the device needs after evaluation i of a run. The network's next input is made too, unless i is the last.
kernel::sampler_coefficients step_coefficients(sampling_run const&, int i, double guidance);

/// The beginning of a run as one more step, before evaluation 0: the step's `output` is the picture's latents, or
/// anything where there is none, and its noise the run's first noise.
kernel::sampler_coefficients start_coefficients(sampling_run const&, bool from_image);

} // namespace sfumato
