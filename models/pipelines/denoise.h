// The loop at the heart of every diffusion run: noise becomes a latent.
#pragma once

#include "models/job.h"
#include "models/pipelines/memory_plan.h"
#include "models/pipelines/prompt_context.h"
#include "models/sampling/samplers.h"

#include <functional>
#include <optional>
#include <vector>

namespace sfumato {

/// What lies outside of a mask stays: inpainting with an ordinary model.
struct known_latent {
    std::vector<float> mask;  // [height, width]: 1 is made anew
    latent image;             // the UNet's scale
    std::vector<float> noise; // as image.values
};

/// x at the beginning: noise alone, or a picture's latent with as much noise as the run begins from.
latent start_latent(sampling_run const&, latent noise, latent const* image);

/// What an inpainting model is shown beside x: the mask [height, width], 1 where all is made anew, and the latent of
/// the picture with mid-grey there → [height, width, 1 + channels].
std::vector<float> inpainting_channels(std::vector<float> const& mask, latent const& masked);

struct denoise_inputs {
    sampling_run const& run;
    latent start; // start_latent()
    prompt_context const& positive;
    prompt_context const* negative = nullptr; // none: no guidance
    double guidance = 1;
    std::vector<float> further; // [height, width, in_channels − out_channels]: inpainting_channels(), or none
    std::optional<known_latent> known;
    std::function<std::vector<float>()> noise; // the next unit normals, channels last, when the sampler wants some
    /// Told after each evaluation: its number, x, and the picture as predicted.
    std::function<void(int, latent const& x, latent const& x0)> each;
};

/// The last x. Nothing: cancelled. Throws error when the network computes what is no number, naming the step.
std::optional<latent> denoise(device&, diffusion_model&, memory_plan const&, denoise_inputs const&, job const&);

/// What it takes beside the UNet's weights, which are recorded into `weights`: bytes on the device, operations.
struct denoise_costs {
    std::uint64_t context = 0;       // keys and values of the prompts
    std::uint64_t context_arena = 0; // while those are made
    std::uint64_t step_arena = 0;
    double step_work = 0; // of each evaluation
};
denoise_costs measure_denoise(device&, weight_store& weights, diffusion_model const&, run_size const&,
                              memory_choice const&, dtype storage);

} // namespace sfumato
