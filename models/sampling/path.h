// From a list of noise levels to evaluations: what plan_sampling() and the evaluation of diffusers' configurations
// share.
#pragma once

#include "models/sampling/samplers.h"

namespace sfumato {

/// How samples are kept: x0 + σ·n; divided by √(1 + σ²); or (1 − σ)·x0 + σ·n.
enum class space { sigma, unit_variance, flow };

noise_level level_at(space, double sigma);

/// From one level to the next. Levels descend, and `to` is the next one's `from`, except on some
/// schedules of diffusers' Euler, DDIM and PNDM, where steps leave gaps between them.
struct path_step {
    double timestep = 0;        // told at `from`
    double middle_timestep = 0; // told halfway in ln σ: DPM++ SDE
    noise_level from, to;
};

struct sampling_path {
    sfumato::space space = space::unit_variance;
    sfumato::prediction prediction = prediction::epsilon;
    std::vector<path_step> steps; // for PLMS the first one stands there twice (repeat_first_step)
};

struct path_options {
    sfumato::sampler sampler = sampler::euler;
    double eta = 0;
    std::vector<int> orders{};    // of each step, for dpmpp_2m, dpmpp_2m_sde, dpmpp_3m_sde and unipc: 1 … 3
    bool midpoint = true;         // second order of DPM-Solver++: by the midpoint rule; false: by Heun's
    double timestep_scaling = 10; // of LCM's boundary condition
    bool plms_keeps_v = false;    // as diffusers does; otherwise the noise that follows from v, which changes less
};

/// What options.sampler does along the path.
std::vector<evaluation> follow(sampling_path const&, path_options const&);

/// PLMS takes the first of several steps twice, the second time being told the next one's timestep.
void repeat_first_step(sampling_path&);

/// With what does not depend on the sampler filled in; K_0 is the predicted picture.
evaluation begin_evaluation(sampling_path const&, noise_level const& from, double timestep, int step);

/// ln(image / noise) of `to` minus that of `from`; ∞ from pure noise or to the pure picture.
double log_snr_distance(noise_level const& from, noise_level const& to);

} // namespace sfumato
