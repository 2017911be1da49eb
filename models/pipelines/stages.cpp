#include "models/pipelines/stages.h"

namespace sfumato {

std::optional<job> load(device& d, weight_store& weights, job const& j) {
    double const share = weights.loaded() ? 0 : 0.1;
    if (!weights.load(d, part_of(j, 0, share))) return std::nullopt;
    return part_of(j, share, 1);
}

job stages::next(double work, sentence const& item) {
    job named = whole_;
    named.report = [whole = whole_, item](progress p) {
        p.item = item;
        whole.report(p);
    };
    double const from = done_ / all_;
    done_ += work;
    return part_of(named, from, done_ / all_);
}

} // namespace sfumato
