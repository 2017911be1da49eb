// A program that times the same operations elsewhere (peer_ggml.cpp): it is given a file of operations and writes one
// of times.
#pragma once

#include "tests/bench/ops/report.h"

namespace sfumato::bench {

/// Runs `program CASES TIMES [--fresh]`, both files in `folder`, and reads the times into the report. What the peer has
/// timed there before, it does not time again unless `fresh`. Throws error when it fails.
void time_peer(report&, std::string const& program, std::string const& folder, bool fresh,
               std::vector<op_case> const& cases);

} // namespace sfumato::bench
