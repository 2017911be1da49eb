// Noise levels: the 1000-step table that a network was trained with, and the schedules that pick levels from it. All in
// double; σ is noise over picture, x = x0 + σ·n (flow: x = (1 − σ)·x0 + σ·n).
#pragma once

#include "request/choices.h"

#include <string_view>
#include <vector>

namespace sfumato {

/// σ of every trained timestep, ascending.
struct noise_table {
    std::vector<double> sigmas;     // [1000]
    std::vector<double> log_sigmas; // [1000]
    double flow_shift = 0;          // 0: no flow

    double sigma_min() const { return sigmas.front(); }
    double sigma_max() const { return sigmas.back(); }
    bool is_flow() const { return flow_shift != 0; }

    /// σ at a timestep 0 … 999, in between interpolated in ln σ (flow: 0 … 1000, by its formula).
    double sigma_at(double timestep) const;
    /// The timestep that the network is told for σ: interpolated in ln σ, as k-diffusion does (flow: 1000·σ).
    double timestep_of(double sigma) const;
};

struct noise_table_options {
    double beta_start = 0.00085, beta_end = 0.012;
    bool scaled_linear = true; // √β is linear; false: β is
    /// Rescaled so that the last step is noise alone (Lin et al. 2023), and what ᾱ of that step is then: 0 makes its σ
    /// infinite.
    bool zero_terminal_snr = false;
    double terminal_snr = 0x1p-24;
};
/// Of Stable Diffusion 1, 2 and XL. In float where diffusers has float: σ is the same number, bit for bit.
noise_table diffusion_table(noise_table_options const& = {});
/// Of Stable Diffusion 3: σ(t) = s·t/(1 + (s − 1)·t), t = 1/1000 … 1.
noise_table flow_table(double shift = 3);

/// The levels between steps, descending; the last is 0.
struct schedule {
    std::vector<double> sigmas;    // [n + 1]
    std::vector<double> timesteps; // [n]: what the network is told at sigmas[i]

    int steps() const { return int(timesteps.size()); }
};

/// How many steps it can have. Some pick from the 1000 trained timesteps, others lie between them.
int most_steps(scheduler);

/// `steps` (1 … most_steps()) of them; beta drops levels that it finds twice, which happens beyond 100 steps. `xl`:
/// Align Your Steps has other levels for SDXL. The schedules of flows are ComfyUI's; leading, trailing and linspace are
/// all normal there, which is what diffusers and Stability do. Throws error where a schedule cannot be had: ays and lcm
/// for flows, lcm of more than 50 steps.
schedule make_schedule(scheduler, noise_table const&, int steps, bool xl = false);

/// diffusers' timestep_spacing, descending.
std::vector<double> leading_timesteps(int steps, int offset);
std::vector<double> trailing_timesteps(int steps);
std::vector<double> linspace_timesteps(int steps);
std::vector<double> lcm_timesteps(int steps, int original_steps = 50);
/// σ at a timestep, interpolated linearly as numpy.interp does.
double interpolated_sigma(noise_table const&, double timestep);

/// `steps` levels from `high` to `low`.
std::vector<double> karras_sigmas(double high, double low, int steps);
std::vector<double> exponential_sigmas(double high, double low, int steps);

/// n numbers from `first` to `last`, both included.
std::vector<double> evenly(double first, double last, int n);

} // namespace sfumato
