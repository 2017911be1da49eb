// Drivers have bugs: before a device's matrix path is trusted, each family of kernels computes one small known answer
// on it.
#pragma once

#include "compute/device.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct self_check_result {
    matrix_path checked = matrix_path::scalar;  // the path that the device would take
    std::vector<std::string> wrong;             // families that were wrong on it: "gemm", "attention", …
    std::vector<std::string> wrong_even_scalar; // and those that were wrong on the scalar path too
    std::string sentence() const;               // for people
};

/// Changes an answer before it is compared: for tests.
using falsify = std::function<void(std::string_view family, matrix_path, std::vector<float>& answer)>;

/// If any family is wrong, the device takes the scalar path from now on: device::target() says so. Computed at the
/// first use of a device with this driver and these kernels, under a second; later read from the cache directory.
/// Throws device_lost when a kernel brings the device down; the next process then takes the scalar path.
self_check_result self_check(device&, falsify const& = {});

} // namespace sfumato
