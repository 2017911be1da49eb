#include "models/pipelines/upscale_in_parts.h"

#include "models/weights/family.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sfumato {

namespace {

double pixels(rect const& r) { return double(r.width) * r.height; }

} // namespace

bool upscale_in_parts(request const& r, int width, int height, upscale_io const& io, job const& j) {
    upscaler_shape const shape = shape_of(require_upscaler(open_checkpoint(r.upscale.model)));
    auto parts = upscale_parts(width, height, r.upscale.scale, overlap_for(shape, r.upscale.scale));
    auto const middle = parts.begin() + std::ptrdiff_t(parts.size() / 2);
    std::rotate(parts.begin(), middle, middle + 1);
    std::optional<picture_means> means;
    if (parts.size() > 1) means.emplace();
    double all = 0, done = 0;
    for (upscale_part const& p : parts) all += pixels(p.to);
    job const timed_job = timed(j);
    for (upscale_part const& p : parts) {
        double const from = done / all;
        done += pixels(p.to);
        auto made = io.run({.request = r, .picture = io.read(p.from), .part = p, .means = means},
                           part_of(timed_job, from, done / all));
        if (!made || j.is_cancelled()) return false;
        io.write(p.to, made->filled);
        if (means) means = std::move(made->means);
    }
    return true;
}

} // namespace sfumato
