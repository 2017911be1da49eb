// Samplers. Every one of them only ever adds up multiples of a few tensors, so a run is a list of evaluations of the
// network, each with the coefficients of what follows from it: host arithmetic in double, which the kernel sampler_step
// (compute/ops_sampler.h) carries out on the device. Between evaluations live
//   x          the sample, image·x0 + noise·n
//   saved      an earlier sample that some samplers return to
//   K_1 … K_3  what was kept of earlier evaluations
// and with m, the network's output after guidance, an evaluation makes K_0, x' and saved', all from the old values.
//
// Formulas: DDIM (Song et al. 2021), PNDM (Liu et al. 2022), Heun of EDM (Karras et al. 2022), DPM-Solver++ (Lu et al.
// 2022), UniPC (Zhao et al. 2023), LCM (Luo et al. 2023), ancestral and SDE steps as in k-diffusion; written for pairs
// of (image, noise), so that they hold where x is kept as x0 + σ·n, where it has unit variance, and for flows.
#pragma once

#include "models/sampling/schedule.h"
#include "request/samplers.h"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace sfumato {

/// Where a sample is between picture and noise: x = image·x0 + noise·n with n of unit variance.
struct noise_level {
    double image = 1, noise = 0;
};

/// x·X + model·M
struct model_combination {
    double x = 0, model = 0;
};

/// x·X + saved·SAVED + noise·NOISE + Σ kept[i]·K_i; NOISE has unit variance and is new in each evaluation.
struct combination {
    double x = 0, saved = 0, noise = 0;
    std::array<double, 4> kept{};
};

/// One evaluation of the network and what follows from it.
struct evaluation {
    int step = 0;                    // of the run, from 0
    double timestep = 0;             // what the network is told
    double input_scale = 1;          // it is shown input_scale·x
    noise_level level;               // where x is
    model_combination x0;            // the picture as predicted here: for previews
    model_combination kept;          // K_0
    combination next;                // x'
    std::optional<combination> save; // saved'; none: saved stays as it is
    bool keep = true;                // K_0 becomes K_1, K_1 K_2 …; false: K_0 is dropped and the others stay
    noise_level reached;             // where x' is: outside an inpainting mask, x' = reached.image·x0 + reached.noise·n

    bool uses_noise() const { return next.noise != 0; }
};

struct sampling_run {
    std::vector<evaluation> evaluations;
    int steps = 0;
    /// A run begins from a picture, x = from_image.image·x0 + from_image.noise·n, or from noise, x = from_noise·n.
    noise_level from_image;
    double from_noise = 1;
};

struct sampling_settings {
    sfumato::sampler sampler = sampler::dpmpp_2m;
    sfumato::scheduler scheduler = scheduler::karras;
    int steps = 20; // 1 … 1000
    sfumato::prediction prediction = prediction::epsilon;
    bool zero_terminal_snr = false; // not for flows
    double flow_shift = 3;          // for flows only
    bool xl = false;                // SDXL's Align Your Steps
    std::optional<double> eta;      // how much of the noise is new in each step, 0 … 1; the row's unless given
    double strength = 1;            // 0 < strength ≤ 1
    strength_rule rule = strength_rule::full_steps;
};

/// Follows the schedule down to σ = 0 as k-diffusion and ComfyUI do. Samples have unit variance throughout (image² +
/// noise² = 1; flows: image + noise = 1), so that input_scale is 1 and latents of whatever schedule are of one size.
/// Throws error when strength leaves no step.
sampling_run plan_sampling(sampling_settings const&);

} // namespace sfumato
