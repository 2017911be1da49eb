// What a LoRA, or one of its kin, adds to a tensor of a model, as its file has it (Hu et al. 2021; LoHa and LoKr: Yeh
// et al. 2023; DoRA: Liu et al. 2024). models/nets/patched.h adds it.
#pragma once

#include "models/files/checkpoint.h"

#include <memory>
#include <optional>
#include <string>

namespace sfumato {

/// A matrix: one tensor, or a product. What stands behind the first extent is one, kernels' pixels included.
struct patch_matrix {
    std::string up;                // [outputs, rank]; without `down`, the matrix itself: [outputs, inputs …]
    std::string down{};            // [rank, inputs …]; empty: there is none
    std::string core{};            // [rank, rank, h, w] between them (Tucker); empty: there is none
    bool up_is_transposed = false; // [rank, outputs]

    bool operator==(patch_matrix const&) const = default;
};

struct patch_size {
    std::int64_t outputs = 0, inputs = 0; // of each output: those of a kernel's pixels all counted
    bool operator==(patch_size const&) const = default;
};

/// W + factor · scale · Δ, where Δ is …
enum class patch_kind : std::uint8_t {
    matrix,   // a: LoRA, LoCon, full difference
    hadamard, // a ∘ b: LoHa
    kronecker // a ⊗ b: LoKr
};

struct weight_patch {
    std::string tensor;                     // "model.diffusion_model.input_blocks.1.1.proj_in.weight"
    std::shared_ptr<checkpoint const> file; // whose tensors the following are
    patch_kind kind = patch_kind::matrix;
    patch_matrix a, b{};
    double scale = 1;  // alpha / rank
    double factor = 1; // the user's weight
    /// DoRA: V = W + scale · Δ gets these norms, and W + factor · (V' − W) is what comes of it; empty: none.
    std::string magnitude{};
    bool magnitude_of_outputs = false; // whatever its shape; else that tells whether they are of outputs or of inputs
    /// Which of the tensor's rows its own are: so many from the first one on, behind the last comes row 0; 0: all.
    std::int64_t first_row = 0, rows = 0;

    bool operator==(weight_patch const&) const = default;
};

/// Nothing: a tensor is not there, of a type or shape that no LoRA has, or they do not fit each other.
std::optional<patch_size> size_of(checkpoint const&, patch_matrix const&);
std::optional<patch_size> size_of(weight_patch const&);

enum class magnitude_axis : std::uint8_t { outputs, inputs };
/// Whose norms they are: of a tensor's `outputs`, or of what `shape` has behind them. Nothing: they fit neither.
std::optional<magnitude_axis> axis_of_magnitude(weight_patch const&, std::vector<std::int64_t> const& shape);

/// Whether it can be added to a tensor of that shape.
bool fits(weight_patch const&, std::vector<std::int64_t> const& shape);

} // namespace sfumato
