// How much of a run is done: the jobs of its stages, one after the other, by how long each takes.
#pragma once

#include "models/nets/weight_store.h"
#include "request/job.h"

#include <optional>
#include <string>

namespace sfumato {

/// Loads what is missing, in the first tenth of the job, and returns the job of the rest. Nothing: cancelled.
std::optional<job> load(device&, weight_store&, job const&);

class stages {
  public:
    /// `work`: of all of them, in any unit.
    stages(job const& whole, double work) : whole_(timed(whole)), all_(work) {}

    /// The job of the next one; `item`: what it is done for (progress::item).
    job next(double work, sentence const& item = {});

  private:
    job whole_;
    double all_, done_ = 0;
};

} // namespace sfumato
