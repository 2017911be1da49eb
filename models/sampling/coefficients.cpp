#include "models/sampling/coefficients.h"

#include <cassert>

namespace sfumato {

namespace {

// Where K_0 … K_3 lie at evaluation i: what was K_0 becomes K_1 by where it is looked for.
void find_places(sampling_run const& run, int i, kernel::uint places[4]) {
    kernel::uint kept = 0;
    for (int k = 0; k < i; ++k) kept += run.evaluations[std::size_t(k)].keep;
    for (kernel::uint k = 0; k < 4; ++k) places[k] = (kept + 4 - k) % 4;
}

void fill(combination const& from, float& x, float& saved, float kept[4]) {
    x = float(from.x);
    saved = float(from.saved);
    for (std::size_t k = 0; k < 4; ++k) kept[k] = float(from.kept[k]);
}

} // namespace

kernel::sampler_coefficients step_coefficients(sampling_run const& run, int i, double guidance) {
    assert(i >= 0 && std::size_t(i) < run.evaluations.size());
    evaluation const& e = run.evaluations[std::size_t(i)];
    kernel::sampler_coefficients c{.guidance = float(guidance),
                                   .x0_x = float(e.x0.x),
                                   .x0_model = float(e.x0.model),
                                   .kept_x = float(e.kept.x),
                                   .kept_model = float(e.kept.model),
                                   .next_noise = float(e.next.noise),
                                   .known_image = float(e.reached.image),
                                   .known_noise = float(e.reached.noise)};
    fill(e.next, c.next_x, c.next_saved, c.next_kept);
    if (e.save) fill(*e.save, c.save_x, c.save_saved, c.save_kept);
    if (std::size_t(i) + 1 < run.evaluations.size())
        c.input_scale = float(run.evaluations[std::size_t(i) + 1].input_scale);
    find_places(run, i, c.places);
    return c;
}

kernel::sampler_coefficients look_coefficients(sampling_run const& run, int i, double guidance) {
    evaluation const& e = run.evaluations[std::size_t(i)];
    kernel::sampler_coefficients c{
        .guidance = float(guidance), .x0_x = float(e.x0.x), .x0_model = float(e.x0.model), .next_x = 1};
    find_places(run, i, c.places);
    return c;
}

} // namespace sfumato
