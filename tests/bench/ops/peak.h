// What the device can do at most, by its own measure.
#pragma once

#include "compute/device.h"

#include <string>

namespace sfumato::bench {

struct peak {
    double gflops = 0, gbs = 0;
    std::string how; // for people
};

/// Arithmetic: multiply-adds in registers by tests/bench/ops/peak.comp, of the kind that the device's matrix path uses.
/// Memory: a copy, bytes read and written; on a software device by the processor's own memcpy on all cores, else by
/// peak.comp.
peak measure_peak(device&);

} // namespace sfumato::bench
