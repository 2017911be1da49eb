// Samplers. Every one of them only ever forms sums of a few tensors, so a run is a list of evaluations of the network, each
// with the coefficients of what follows from it: host arithmetic in double, carried out by anybody (the kernel
// sampler_step, or a loop). Between evaluations live
//   x      the sample, image·x0 + noise·n
//   saved  an earlier sample that some samplers return to
//   K_1 … K_3   what was kept of earlier evaluations
// and with m, the network's output after guidance, an evaluation makes, all from the old values,
//   K_0 = kept.x·x + kept.model·m
//   x'  = Σ next,  saved' = Σ save
// Formulas are Σ over DPM-Solver++ (Lu et al. 2022), UniPC (Zhao et al. 2023), PNDM (Liu et al. 2022), DDIM (Song et al.
// 2021), EDM's Heun (Karras et al. 2022), LCM (Luo et al. 2023) and k-diffusion's ancestral and SDE samplers, put in
// terms of (image, noise) pairs so that they hold in σ space, in unit-variance space and for flows alike.
#pragma once

#include "models/sampling/schedule.h"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace sfumato {

enum class sampler {
    euler,
    euler_a,
    heun,         // two evaluations a step
    dpmpp_2m,
    dpmpp_2m_sde,
    dpmpp_sde,    // two evaluations a step
    dpmpp_3m_sde,
    ddim,         // η 0 unless given; then it is Euler on its timesteps
    plms,         // one evaluation more than steps
    unipc,        // order 2, bh2
    lcm,
};

std::string_view name_of(sampler);
std::string_view display_name(sampler);
sampler sampler_named(std::string_view);
/// What a user most likely wants with it.
scheduler default_scheduler(sampler);

/// Where a sample is between picture and noise: x = image·x0 + noise·n with n of unit variance.
struct noise_level {
    double image = 1, noise = 0;
};

/// A sum: x·X + saved·SAVED + noise·NOISE + Σ kept[i]·K_i; NOISE has unit variance and is new in each evaluation.
struct combination {
    double x = 0, saved = 0, noise = 0;
    std::array<double, 4> kept{};
};

/// x·X + model·M
struct model_combination {
    double x = 0, model = 0;
};

/// One evaluation of the network and what follows from it.
struct evaluation {
    int step = 0;            // of the run, from 0
    double timestep = 0;     // what the network is told
    double input_scale = 1;  // it is shown input_scale·x
    noise_level level;       // of x
    model_combination x0;    // the picture as it is predicted: for previews
    model_combination kept;  // K_0
    combination next;        // x'
    std::optional<combination> save;  // saved'; none: saved stays as it is
    bool keep = true;        // K_0 becomes K_1, K_1 K_2 …; false: K_0 is dropped and the others stay
    noise_level reached;     // of x': for inpainting, what lies outside the mask becomes reached.image·x0 + reached.noise·n

    bool uses_noise() const { return next.noise != 0; }
};

struct sampling_run {
    std::vector<evaluation> evaluations; // none when strength leaves no step
    int steps = 0;
    /// How a run begins: from a picture and noise, x = from_image.image·x0 + from_image.noise·n; or from noise alone, x =
    /// from_noise·n.
    noise_level from_image;
    double from_noise = 1;
};

/// How `strength` < 1 shortens a run that starts from a picture.
enum class strength_rule {
    comfyui,    // all `steps` run: the last ones of a schedule of ⌊steps / strength⌋ (A1111: "do exactly the amount of steps")
    diffusers,  // the last ⌊steps · strength⌋ of a schedule of `steps`
};

struct sampling_settings {
    sfumato::sampler sampler = sampler::dpmpp_2m;
    sfumato::scheduler scheduler = scheduler::karras;
    int steps = 20;
    sfumato::prediction prediction = prediction::epsilon;
    bool zero_terminal_snr = false;  // not for flows
    double flow_shift = 3;           // flows only
    bool xl = false;                 // SDXL's Align Your Steps
    std::optional<double> eta;       // how much of the noise is new each step; default 0 (ddim) or 1 (euler_a, …_sde)
    double strength = 1;             // 0 < strength ≤ 1
    strength_rule rule = strength_rule::comfyui;
};

/// Samples are kept at unit variance (image² + noise² = 1; flows: image + noise = 1): input_scale is 1 throughout.
/// Throws error when strength leaves no step.
sampling_run plan_sampling(sampling_settings const&);

} // namespace sfumato
