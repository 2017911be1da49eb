// Which blocks of a matrix product's result the workgroups of a GPU compute (shaders/gemm_tile.glsl), one each.
#pragma once

#include "compute/program.h"
#include "compute/target.h"

namespace sfumato {

struct gemm_size {
    std::uint32_t rows, columns; // of the result; columns a multiple of 16
    std::uint32_t taps = 1, c1 = 0,
                  c2 = 0;   // the inner dimension is taps · (c1 + c2): two sources beside each other
    bool can_split = false; // the inner dimension may be divided, and the parts be added afterwards
};

struct gemm_block {
    kernel_variant variant = kernel_variant::scalar;
    std::uint32_t m = 0, n = 0, k = 0; // rows, columns; inputs in shared memory at once
    std::uint32_t count = 0;           // of blocks that cover the result
    std::uint32_t splits = 1;          // workgroups that share a block, each a part of the inner dimension
    std::uint32_t lanes = 0;           // scalar: invocations beside each other
    // Cooperative and flexible: who holds how many fragments of which size, and how many rows of sums leave at once.
    decltype(target::fragment) fragment;
    std::uint32_t grid_m = 1, grid_n = 1, fragments_m = 1, fragments_n = 1, patch_rows = 0;
    bool turned = false; // target::turned_weights

    /// Multiplications and additions of all blocks.
    double operations(gemm_size const&) const;
};

/// The block that takes the device the least time by a simple model: full rounds of all cores, what is computed beyond
/// the result's edges, and the loads that a block of that size makes for each product. target::block overrules it.
/// A software device, which has these paths for tests only, takes the smallest.
gemm_block choose_gemm_block(target const&, gemm_size const&);

/// Of a workgroup.
std::uint32_t gemm_invocations(kernel_variant);

/// How many of `count` workgroups, each of so many operations, make a line of a dispatch: few enough for the recorder
/// to cut between lines where a device is slow, and so many that devices take the number of lines.
std::uint32_t length_of_line(std::uint32_t count, double operations);

} // namespace sfumato
