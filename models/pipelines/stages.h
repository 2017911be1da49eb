// How much of a run is done: each stage of a pipeline is a job of its own, with a share of the whole.
#pragma once

#include "models/job.h"

#include <chrono>

namespace sfumato {

class stages {
  public:
    /// `whole` outlives this and the jobs that part() makes.
    explicit stages(job const& whole, int pictures = 1) : whole_(whole), pictures_(pictures) {}

    /// The job of a stage: its 0 … 1 becomes `from` … `to` of picture `k`.
    job part(int k, double from, double to) const;

  private:
    job const& whole_;
    int pictures_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace sfumato
