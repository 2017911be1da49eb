// What kernels are shaped for: the properties of a device that decide which variant of a kernel runs, and with what
// tiles.
#pragma once

#include "compute/tensor.h"

#include <cstdint>

namespace sfumato {

/// Who multiplies matrices. software: plain fp32 arithmetic shaped for a device without real shared memory (lavapipe);
/// scalar: tiles in shared memory, ordinary arithmetic; khr: VK_KHR_cooperative_matrix at subgroup scope; nv2:
/// VK_NV_cooperative_matrix2 with flexible sizes, at workgroup scope where the device has it.
enum class matrix_path : std::uint8_t { software, scalar, khr, nv2 };
inline constexpr char const* matrix_path_names[] = {"software", "scalar", "khr", "nv2"};

struct target {
    matrix_path matrix = matrix_path::scalar;
    bool software = false;       // a processor plays the GPU: fp16 storage and shared memory gain nothing
    bool rolled = false;         // loops stay loops: it takes a processor a minute to compile all of a large tile
    std::uint32_t subgroup = 32; // invocations
    std::uint32_t shared_bytes = 16384; // of a workgroup
    std::uint32_t cores = 32;           // that take workgroups: an SM, a compute unit, an Xe core
    std::uint32_t most_sums = 80;       // of a product, in the registers of an invocation
    std::uint32_t most_rows = 256;      // of a cooperative product, in a block
    std::uint32_t most_inputs = 32;     // of a cooperative product, in shared memory at once: they cost registers, too
    bool turned_weights = false;        // cooperative matrices come faster from [column][k] than from [k][column]
    std::uint64_t largest_buffer = ~0ull; // bytes one allocation may have, its tail (compute/memory.h) included
    struct {
        std::uint32_t m = 16, n = 16, k = 16;
        bool workgroup_scope = false;
    } fragment; // khr, nv2: one cooperative matrix, fp16 in, fp32 sums
    struct {
        std::uint32_t m = 0, n = 0, k = 0;
    } khr_fragment; // nv2: where VK_KHR_cooperative_matrix is there, too, for columns that flexible cannot do
    struct {
        std::uint32_t m = 0, n = 0, k = 0; // sizes are multiples of these; 0: not offered
        bool workgroup_scope = false;      // of 256 invocations, else of a subgroup
    } flexible;                            // nv2
    struct {
        std::uint32_t m = 0, n = 0, k = 0;
    } block; // of matrix products, for tests and experiments; 0: chosen by their sizes

    /// What activations are stored as where the caller has no wish.
    dtype storage() const { return software ? dtype::f32 : dtype::f16; }

    /// For graphs whose activations are stored as `type`: fp32 is multiplied as fp32, where cooperative matrices would
    /// make halves of it, which lose digits and overflow.
    target storing(dtype type) const {
        target t = *this;
        if (type == dtype::f32 && matrix >= matrix_path::khr) t.matrix = matrix_path::scalar;
        return t;
    }
};

} // namespace sfumato
