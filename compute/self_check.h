// Drivers have bugs: before a device's matrix path is trusted, each family of kernels computes one small known answer
// on it; and before a plan's first use of a block of matrix products or of a size of attention heads, this one does.
#pragma once

#include "compute/device.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct self_check_result {
    matrix_path checked = matrix_path::scalar;  // the path that the device would take
    matrix_path used = matrix_path::scalar;     // the one that it takes
    std::vector<std::string> wrong;             // what was wrong on the first: "gemm", "attention", "gemm 128x64x32" …
    std::vector<std::string> wrong_even_scalar; // and what is wrong on the plainest too: then no plan runs there
    std::string sentence() const;               // for people
};

/// Changes an answer before it is compared: for tests.
using falsify = std::function<void(std::string_view family, matrix_path, std::vector<float>& answer)>;

/// If anything is wrong, the device takes the next plainer path from now on (nv2, khr, scalar): device::target() says
/// so. Computed at the first use of a device with this driver and these kernels, under a second; later read from the
/// cache directory, where a question that took the process down twice counts as wrong. Throws device_lost when a kernel
/// brings the device down; the next process then takes the plainer path.
self_check_result self_check(device&, falsify const& = {});

class graph;
/// For plan(), after self_check(): asks for each block and each size of heads in the graph that was not asked for yet.
/// Throws error where one is wrong; the device takes a plainer path for graphs that are recorded from then on.
void check_kernels(device&, graph const&);

} // namespace sfumato
