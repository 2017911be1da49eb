// An evaluation as the kernel sampler_step takes it.
#pragma once

#include "compute/ops_sampler.h"
#include "models/sampling/samplers.h"

namespace sfumato {

/// What the device needs after evaluation i of a run. The network's next input is made too, unless i is the last.
kernel::sampler_coefficients step_coefficients(sampling_run const&, int i, double guidance);

/// The picture as predicted at evaluation i, and nothing else: x stays.
kernel::sampler_coefficients look_coefficients(sampling_run const&, int i, double guidance);

} // namespace sfumato
