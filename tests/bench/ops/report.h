// What was measured, as a table for people and as JSON.
#pragma once

#include "compute/device.h"
#include "tests/bench/ops/networks.h"
#include "tests/bench/ops/peak.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sfumato::bench {

/// The best time of one operation, in seconds.
struct our_time {
    double seconds = 0; // 0: not timed
    int runs = 0;
    double computed = 0;        // products of all blocks / those that results need; 0: not a product
    double compile_seconds = 0; // of the pipelines that no earlier operation had made
    std::string compiled;       // their kernels
    std::string error;
};
struct peer_time {
    double seconds = 0;
    double busy = 0; // per cent of the machine that others used meanwhile
    std::string variant, date, error;
};

struct report {
    device_info device;
    std::string matrix_path;
    bench::peak peak;
    std::vector<network> networks;
    std::map<op_case, our_time> ours;
    std::string peer; // "ggml 0.9.4 on Vulkan0"; empty: none
    std::map<op_case, peer_time> peers;
    double busy_before = 0, busy_ours = 0; // per cent of the machine that others used
    double busy_peer() const;              // the largest of its operations
};

/// A table for each network, then what took long to compile.
void print(report const&);
/// One line; `bench_ops --help` says what is in it.
std::string as_json(report const&);

} // namespace sfumato::bench
