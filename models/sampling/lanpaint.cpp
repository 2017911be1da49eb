#include "models/sampling/lanpaint.h"

#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

// dz = (force − rate·z)·dt + √2·dW, solved exactly while the force stays.
struct drift {
    double keeps, moves, spreads;

    drift(double rate, double time)
        : keeps(std::exp(-rate * time)), moves(-std::expm1(-rate * time) / rate),
          spreads(std::sqrt(-std::expm1(-2 * rate * time) / rate)) {}
};

struct chain {
    lanpaint_settings const& settings;
    lanpaint_known const& known;
    double image, variance; // √ᾱ, 1 − ᾱ
    draw_normals const& normals;

    double rate(std::size_t i) const { return (known.is_known[i] ? 1 + settings.lambda : 1) / variance; }

    void drift_along(std::vector<float>& z, std::vector<double> const& force, double time) const {
        drift const of_known((1 + settings.lambda) / variance, time), of_unknown(1 / variance, time);
        std::vector<float> const noise = normals ? normals() : std::vector<float>(z.size());
        for (std::size_t i = 0; i < z.size(); ++i) {
            drift const& d = known.is_known[i] ? of_known : of_unknown;
            z[i] = float(d.keeps * z[i] + d.moves * force[i] + d.spreads * noise[i]);
        }
    }
    std::vector<double> force(std::vector<float> const& z, std::vector<float> const& x0) const {
        std::vector<double> all(z.size());
        for (std::size_t i = 0; i < z.size(); ++i) {
            double const wanted =
                known.is_known[i] ? (1 + settings.lambda) * known.image[i] - settings.lambda * x0[i] : x0[i];
            all[i] = (image * wanted - z[i]) / variance + rate(i) * z[i];
        }
        return all;
    }
};

} // namespace

bool think(lanpaint_settings const& s, noise_level const& at, lanpaint_known const& known, std::vector<float>& z,
           predict_picture const& predict, draw_normals const& normals) {
    assert(known.is_known.size() == z.size() && known.image.size() == z.size());
    chain const c{s, known, at.image, at.noise * at.noise, normals};
    double const time = s.step_size * c.variance;
    std::vector<double> old;
    for (int round = 0; round < s.rounds; ++round) {
        if (round > 0) c.drift_along(z, old, time / 2);
        std::vector<float> const x0 = predict(z);
        if (x0.empty()) return false;
        std::vector<double> const force = c.force(z, x0);
        if (round == 0) {
            c.drift_along(z, force, time);
        } else {
            for (std::size_t i = 0; i < z.size(); ++i) z[i] += float((force[i] - old[i]) * time);
            c.drift_along(z, old, time / 2);
        }
        old = force;
    }
    return true;
}

int rounds_before(lanpaint_settings const& s, sampling_run const& run, std::size_t evaluation) {
    auto const& e = run.evaluations[evaluation];
    bool const is_within = evaluation > 0 && run.evaluations[evaluation - 1].step == e.step;
    return is_within || e.step + 1 >= run.steps ? 0 : s.rounds;
}

bool can_think(sampler s) { return s != sampler::unipc && s != sampler::plms && s != sampler::lcm; }

} // namespace sfumato
