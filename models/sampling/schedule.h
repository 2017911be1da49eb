// Noise levels: the 1000-step table that a network was trained with, and the schedules that pick levels from it.
// All in double; σ is noise over picture, x = x0 + σ·n (flow: x = (1 − σ)·x0 + σ·n).
#pragma once

#include <string_view>
#include <vector>

namespace sfumato {

/// What the network was trained to predict from x: the noise n, v = α·n − σ_vp·x0 (Salimans & Ho 2022, with x =
/// α·x0 + σ_vp·n, α² + σ_vp² = 1), or the flow's velocity n − x0.
enum class prediction { epsilon, v, flow };

/// σ of every trained timestep, ascending.
struct noise_table {
    std::vector<double> sigmas; // [1000]
    double flow_shift = 0;      // 0: no flow

    double sigma_min() const { return sigmas.front(); }
    double sigma_max() const { return sigmas.back(); }
    bool is_flow() const { return flow_shift != 0; }

    /// σ at a timestep 0 … 999, in between interpolated in ln σ (flow: 0 … 1000, by its formula).
    double sigma_at(double timestep) const;
    /// The timestep that the network is told for σ: interpolated in ln σ (flow: 1000·σ).
    double timestep_of(double sigma) const;
};

struct noise_table_options {
    double beta_start = 0.00085, beta_end = 0.012;
    bool scaled_linear = true;       // √β is linear; false: β is
    bool zero_terminal_snr = false;  // rescaled so that the last step is noise alone (Lin et al. 2023); its ᾱ is 2⁻²⁴
};
/// Of Stable Diffusion 1, 2 and XL. In float where diffusers has float: σ is the same number, bit for bit.
noise_table diffusion_table(noise_table_options const& = {});
/// Of Stable Diffusion 3: σ(t) = s·t/(1 + (s − 1)·t), t = 1/1000 … 1.
noise_table flow_table(double shift = 3);

/// Named as ComfyUI, A1111 and diffusers name them.
enum class scheduler {
    normal,       // timesteps evenly from the last to 0
    karras,       // σ^(1/7) evenly (Karras et al. 2022)
    exponential,  // ln σ evenly
    sgm_uniform,  // timesteps evenly from the last, one step short of 0
    simple,       // every (1000/n)-th of the table from the top
    ddim_uniform, // the same timesteps as leading. (ComfyUI makes one step more where n does not divide 1000.)
    beta,         // timesteps at quantiles of Beta(0.6, 0.6) (Lee et al. 2024)
    ays,          // Align Your Steps (Sabour et al. 2024): found for 10 steps, else interpolated in ln σ
    leading,      // diffusers, steps_offset 1: 1, 1 + r, 1 + 2r … with r = ⌊1000/n⌋
    trailing,     // diffusers: 999, 999 − 1000/n …, rounded
    linspace,     // diffusers: evenly from 999 to 0
    lcm,          // of the 50 timesteps that LCM was distilled at, n evenly
};

/// The levels between steps, descending; the last is 0.
struct schedule {
    std::vector<double> sigmas;     // [n + 1]
    std::vector<double> timesteps;  // [n]: what the network is told at sigmas[i]
    int steps() const { return int(timesteps.size()); }
};

/// `steps` ≥ 1 of them (beta drops levels that it finds twice, which happens beyond 100 steps). `xl`: Align Your Steps
/// has other levels for SDXL. The flow's schedules are those of ComfyUI; leading, trailing and linspace mean one and
/// the same there, what diffusers and Stability do.
schedule make_schedule(scheduler, noise_table const&, int steps, bool xl = false);

// Names: as on the command line and in JSON ("sgm_uniform"), and as people read them ("SGM Uniform", which is also what
// A1111's parameters text says).
std::string_view name_of(scheduler);
std::string_view display_name(scheduler);
/// Takes either, and A1111's and ComfyUI's spellings, any case; throws error listing the names.
scheduler scheduler_named(std::string_view);

} // namespace sfumato
