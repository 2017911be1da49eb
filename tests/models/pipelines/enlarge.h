// Enlarging pictures that lie in memory, in one part.
#pragma once

#include "models/pipelines/upscale/upscale.h"

namespace sfumato {

inline upscale_part whole_part(picture const& p, double scale) {
    return {{0, 0, p.width, p.height}, {0, 0, upscaled(p.width, scale), upscaled(p.height, scale)}};
}

/// Nothing: cancelled.
inline std::optional<picture> enlarge_whole(
    device& d, upscale_settings const& s, picture const& p, job const& j = {},
    std::function<void(upscale_plan const&)> const& planned = [](upscale_plan const&) {}) {
    shelf models;
    common_to_parts alone;
    return upscale_one_part(d, open_upscaler(models, s), s, p, whole_part(p, s.scale), alone, j, planned);
}

} // namespace sfumato
