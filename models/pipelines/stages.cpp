#include "models/pipelines/stages.h"

#include <format>

namespace sfumato {

job stages::part(int k, double from, double to) const {
    auto const tell = [=, this](progress p) {
        if (pictures_ > 1) p.stage = std::format("picture {} of {}, {}", k + 1, pictures_, p.stage);
        p.fraction = (k + from + (to - from) * p.fraction) / pictures_;
        double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
        p.seconds_left = p.fraction > 0.05 ? seconds * (1 - p.fraction) / p.fraction : -1;
        whole_.report(p);
    };
    return {.report = tell, .cancelled = whole_.cancelled};
}

} // namespace sfumato
