// The loop at the heart of every diffusion run: noise becomes a latent.
#pragma once

#include "models/pipelines/diffusion/beginning.h"
#include "models/pipelines/diffusion/conditioning.h"
#include "models/sampling/lanpaint.h"
#include "request/job.h"

#include <functional>
#include <optional>
#include <vector>

namespace sfumato {

/// What SDXL is told of a whole picture of that size: height and width of the original, top and left of the cut, height
/// and width of what is made, in pixels. Empty: the model takes none.
std::vector<float> sizes_told(denoiser_config const&, pixel_size);

struct denoise_inputs {
    sampling_run const& run;
    pixel_size pixels; // of the picture that the latent becomes
    beginning start;
    conditioning const& positive;
    conditioning const* negative = nullptr; // null: no guidance
    double guidance = 1;
    std::function<std::vector<float>()> noise{}; // the next unit normals, channels last, when the sampler wants some
    std::optional<lanpaint_settings> thinks{};   // before steps; there is something known to begin with
    /// Told after each evaluation: its number, x, and the picture as predicted.
    std::function<void(int, latent const& x, latent const& x0)> each{};
};

/// The last x. The positive and the negative prompt go through the network in one batch: two runs would give
/// other bits, and save little. `weights`: the denoiser's, at its turn (turns::begin). Nothing:
/// cancelled. Throws error when the network computes what is no number, naming the step.
std::optional<latent> denoise(device&, weight_store& weights, denoiser_config const&, denoise_inputs const&,
                              dtype storage, job const&);

/// What it takes beside the denoiser's weights, which are recorded into `weights`: bytes on the device, operations.
struct denoise_costs {
    std::uint64_t prompts = 0;       // what is prepared of them
    std::uint64_t prompts_arena = 0; // while that is made
    std::uint64_t step_arena = 0;
    std::uint64_t step_fetched = 0; // of waiting weights, in each evaluation
    double step_work = 0;           // of each evaluation
};
denoise_costs measure_denoise(device&, weight_store& weights, denoiser_config const&, run_size const&, dtype storage);

} // namespace sfumato
