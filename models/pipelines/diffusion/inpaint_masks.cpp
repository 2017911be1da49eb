#include "models/pipelines/diffusion/inpaint_masks.h"

#include "compute/device.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

namespace {

constexpr float least_strength = 1 / 512.0f; // what is less is nothing, and so near to 1 all: masks have 8 bits
constexpr float largest_value = 1e9f;

// 1 up to `full` pixels away, 0 from `end` on.
float ramp(float distance, float full, float end) { return std::clamp((end - distance) / (end - full), 0.0f, 1.0f); }

float snapped(float strength) { return strength <= least_strength ? 0 : strength >= 1 - least_strength ? 1 : strength; }

int ring_of(mask const& denoise) {
    rect const box = bounds(denoise);
    return std::clamp(int(std::lround(0.06 * std::hypot(box.width, box.height))), 8, 64);
}

std::optional<mask> distances(device& d, shelf const& models, mask const& of, float least, int reach, job const& j) {
    mask found(of.width, of.height);
    auto values = run(d, models, record_distances(d.target(), {of.width, of.height}, least, largest_value, reach),
                      {of.values}, j);
    if (!values) return std::nullopt;
    found.values = std::move(*values);
    return found;
}

} // namespace

std::optional<inpaint_masks> masks_of(device& d, shelf const& models, mask const& selection, int edge, job const& j) {
    auto const away = distances(d, models, selection, 1 - least_strength, edge + 1, part_of(j, 0, 0.5));
    if (!away) return std::nullopt;
    // What is made anew in full ends sooner than what is seen in full: there the new blends with what is nearly the
    // old.
    float const end = float(edge + 1), full = std::min(4.0f, float(edge) / 8), seen = float(edge) / 3;
    inpaint_masks m{.denoise = selection, .composite = selection, .beyond = {}};
    for (std::size_t i = 0; i < selection.values.size(); ++i) {
        float const selected = selection.values[i], distance = away->values[i];
        m.denoise.values[i] = snapped(std::max(selected, ramp(distance, full, end)));
        m.composite.values[i] = m.denoise.values[i] > 0 ? std::max(selected, ramp(distance, seen, end)) : 0;
    }
    m.ring = ring_of(m.denoise);
    auto beyond = distances(d, models, m.denoise, least_strength, m.ring + 1, part_of(j, 0.5, 1));
    if (!beyond) return std::nullopt;
    m.beyond = std::move(*beyond);
    return m;
}

std::uint64_t bytes_of_masks(device& d, pixel_size size) {
    return plan::peak_bytes(record_distances(d.target(), size, 1, largest_value, 1).g);
}

mask cut(mask const& m, float least) {
    mask whole = m;
    for (float& v : whole.values) v = v >= least;
    return whole;
}

} // namespace sfumato
