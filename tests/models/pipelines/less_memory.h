// The same run with less and less memory.
#pragma once

#include "tests/kernels/kernel_test.h"

#include <cstdlib>
#include <functional>

namespace sfumato {

/// Calls `run`, which returns how many bytes it needed, with a budget of one byte less than `share` of `needed`, then
/// of so much of what that run needed, and so on until a run throws error, which must be for want of memory. How many
/// runs there were.
inline int run_with_less_and_less_memory(std::uint64_t needed, std::function<std::uint64_t()> const& run,
                                         double share = 1) {
    int runs = 0;
    try {
        for (;; ++runs) {
            setenv("SFUMATO_BUDGET", std::to_string(std::uint64_t(double(needed) * share) - 1).c_str(), 1);
            test_device().memory_peak(true);
            needed = run();
        }
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("GPU memory at least"), std::string::npos) << e.what();
    }
    unsetenv("SFUMATO_BUDGET");
    return runs;
}

} // namespace sfumato
