// Inpainting with an ordinary model by thinking before each step: Langevin steps at its noise level, of the unknown
// after the model, of the known after what is known, so that both learn of each other (LanPaint: Zheng et al. 2025,
// arXiv 2502.03491; its first-order form). For samples of unit variance, z = √ᾱ·x0 + √(1 − ᾱ)·n.
//
// Easy to get wrong: what is known pulls with 1 + λ in its rate, too; noise has the exact variance of its step, since
// the rate times the step may be more than 1; the first of the rounds has no earlier force to go on with.
#pragma once

#include "models/sampling/samplers.h"

#include <functional>
#include <vector>

namespace sfumato {

struct lanpaint_settings {
    int rounds = 5;         // before a step
    double lambda = 5;      // how strongly what is known is held
    double step_size = 0.2; // of a round, in units of the noise's variance
};

/// What is known of a sample; all of its size.
struct lanpaint_known {
    std::vector<char> is_known;
    std::vector<float> image; // there
};

/// x0 as the model predicts it at z; empty: cancelled.
using predict_picture = std::function<std::vector<float>(std::vector<float> const& z)>;
/// The next unit normals, as many as z has; none: without noise.
using draw_normals = std::function<std::vector<float>()>;

/// Moves z, which is at that level. False: cancelled.
bool think(lanpaint_settings const&, noise_level const&, lanpaint_known const&, std::vector<float>& z,
           predict_picture const&, draw_normals const&);

/// How many rounds come before an evaluation: none before the last step, nor within one.
int rounds_before(lanpaint_settings const&, sampling_run const&, std::size_t evaluation);

/// Samplers that go on with a sample from before: thinking would come between.
bool can_think(sampler);

} // namespace sfumato
