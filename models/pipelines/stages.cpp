#include "models/pipelines/stages.h"

namespace sfumato {

std::optional<job> load(device& d, weight_store& weights, job const& j) {
    double const share = weights.loaded() ? 0 : 0.1;
    if (!weights.load(d, part_of(j, 0, share))) return std::nullopt;
    return part_of(j, share, 1);
}

job stages::next(double work, std::string const& name) {
    job timed = whole_;
    timed.report = [whole = whole_, start = start_, name](progress p) {
        p.stage = name + p.stage;
        double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        p.seconds_left = p.fraction > 0.05 ? seconds * (1 - p.fraction) / p.fraction : -1;
        whole.report(p);
    };
    double const from = done_ / all_;
    done_ += work;
    return part_of(timed, from, done_ / all_);
}

} // namespace sfumato
