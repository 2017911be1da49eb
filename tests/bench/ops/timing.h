// One operation of ours, ready to run: placed, inputs uploaded, pipelines made.
#pragma once

#include "compute/graph.h"
#include "tests/bench/ops/networks.h"

#include <memory>

namespace sfumato::bench {

class timed_case {
  public:
    /// Recorded for such a target. Throws error when the device cannot hold it.
    timed_case(device&, target const&, op_case const&);
    /// Runs the operation `copies` times in one go, as many as it takes to measure more than a submission, and returns
    /// the seconds of wall time.
    double run();
    int const copies;
    double computed = 0; // products of all blocks / those that results need; 0: not a product
    /// How long the pipelines of this operation took that no earlier one had made; names them.
    double compile_seconds = 0;
    std::string compiled;

  private:
    std::unique_ptr<plan> plan_;
};

} // namespace sfumato::bench
