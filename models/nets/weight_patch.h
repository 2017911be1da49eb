// What a LoRA adds to a tensor of a model (Hu et al. 2021; of convolutions as in LyCORIS).
#pragma once

#include "compute/ops.h"
#include "models/files/checkpoint.h"

#include <memory>
#include <string>

namespace sfumato {

/// factor · (alpha / rank) · up · down is added; with `mid`: up · mid · down.
struct weight_patch {
    std::string tensor;                     // "model.diffusion_model.input_blocks.1.1.proj_in.weight"
    std::shared_ptr<checkpoint const> file; // whose tensors the following are
    std::string up, down;                   // [outputs, rank, 1, 1] and [rank, inputs, h, w], where h and
                                            // w are 1 they may be missing
    std::string mid{};                      // [rank, rank, h, w] between `up` and a `down` of 1 × 1; empty: none
    double alpha = 0;                       // 0: the rank
    double factor = 1;

    bool operator==(weight_patch const&) const = default;
};

/// A patch as two matrices of f32 that are made when they are read.
struct patch_factors {
    stored_tensor up;   // [outputs, rank], with factor · alpha / rank
    stored_tensor down; // [inputs · h · w, rank]: transposed
};
/// Throws error naming the patch's file: a tensor is missing, they do not fit `outputs` × `inputs` (those of a kernel's
/// pixels all counted) or each other, or are of a type that no LoRA has.
patch_factors factors_of(weight_patch const&, std::int64_t outputs, std::int64_t inputs);

/// w + up · downᵀ, f32 and of w's shape, whose first extent is outputs.
tensor patched(graph&, tensor const& w, tensor const& up, tensor const& down);

} // namespace sfumato
