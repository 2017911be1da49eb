// What follows each evaluation of a network while it samples, in one dispatch and in fp32: guidance, the sampler's
// sums, and the network's next input. models/sampling/samplers.h says what is computed.
#pragma once

#include "compute/graph.h"
#include "shaders/kernels.h"

#include <optional>

namespace sfumato {

/// What a sampler keeps from one run of a plan to the next. [n, h, w, c] of the latents, f32, unless said otherwise.
struct sampler_state {
    tensor coefficients; // one kernel::sampler_coefficients, uploaded before every run
    tensor x, saved;
    tensor kept;  // [4 n, h, w, c]
    tensor noise; // uploaded before runs whose next_noise is not 0
};
/// As inputs of a graph, which live as long as its plan. (Residents do as well, where several plans share a sample.)
sampler_state sampler_inputs(graph&, shape latents);

struct sampler_step_options {
    /// The network's output with the prompt, where `output` has it not: guidance by two evaluations.
    std::optional<tensor> positive;
    /// The network's next input [n or 2 n, h, w, C ≥ c]: its first c channels are written, for both halves of a batch
    /// of 2 n; the rest stay.
    std::optional<tensor> input;
    /// [n, h, w, c] f32: gets the picture as predicted at x.
    std::optional<tensor> x0;
    /// Inpainting with an ordinary network: where mask is 0, x' is the picture with as much noise as x' has.
    struct known {
        tensor mask;  // [1 or n, h, w, 1] f32
        tensor image; // [1 or n, h, w, c] f32
        tensor noise; // [n, h, w, c] f32
    };
    std::optional<sfumato::sampler_step_options::known> known;
};

/// output: [2 n, h, w, c], first without the prompt and then with it; or [n, h, w, c], without it where `positive` is
/// given, else the only one there is. Writes x, saved and kept of the state.
void sampler_step(graph&, sampler_state const&, tensor const& output, sampler_step_options const& = {});

} // namespace sfumato
