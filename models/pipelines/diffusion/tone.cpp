#include "models/pipelines/diffusion/tone.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace sfumato {

namespace {

constexpr std::size_t fewest = 64;       // pixels that tell something
constexpr double per_deviation = 1.4826; // a normal distribution's deviation, of its median's
constexpr double least_offset_l = 0.5 / 255, least_offset_ab = 0.002;
constexpr double least_gain = 1.005, most_gain = 1.1;

std::vector<double> differences(std::vector<double> const& values, double from) {
    std::vector<double> all;
    for (double v : values) all.push_back(std::abs(v - from));
    return all;
}

// Tukey's mean: what lies far from the median does not count.
double robust_mean(std::vector<double> const& values, std::vector<double> const& weights) {
    double middle = weighted_median(values, weights);
    double const deviation = weighted_median(differences(values, middle), weights);
    if (deviation == 0) return middle;
    if (deviation > 5 * std::abs(middle)) return 0; // no evidence of any offset
    double const far = 4.685 * per_deviation * deviation;
    for (int round = 0; round < 2; ++round) {
        double sum = 0, all = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            double const x = (values[i] - middle) / far, share = std::abs(x) < 1 ? std::pow(1 - x * x, 2) : 0;
            sum += weights[i] * share * values[i];
            all += weights[i] * share;
        }
        middle = sum / all;
    }
    return middle;
}

double median(std::vector<double> values) {
    auto const middle = values.begin() + std::ptrdiff_t(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

// The slope of given lightness over made lightness, by Theil and Sen: the median over pairs of pixels.
double gain_of(std::vector<known_pixel> const& all) {
    auto const [low, high] = std::ranges::minmax(all, {}, [](known_pixel const& p) { return p.made[0]; });
    double const range = high.made[0] - low.made[0];
    if (all.size() < 200 || range <= 0.05) return 1;
    std::minstd_rand random(1); // the same pairs each time
    std::vector<double> slopes;
    for (int trial = 0; trial < 8000 && slopes.size() < 2000; ++trial) {
        known_pixel const &a = all[random() % all.size()], &b = all[random() % all.size()];
        double const step = a.made[0] - b.made[0];
        if (std::abs(step) > range / 8) slopes.push_back((a.given[0] - b.given[0]) / step);
    }
    if (slopes.size() < 200) return 1;
    double const slope = median(slopes);
    // Of a median; pairs share their pixels, so they tell no more than half as many pixels.
    double const error = 1.2533 * per_deviation * median(differences(slopes, slope)) /
                         std::sqrt(double(std::min(slopes.size(), all.size() / 2)));
    bool const is_certain = std::abs(slope - 1) > std::max(least_gain - 1, 2 * error);
    return is_certain ? std::clamp(slope, 2 - most_gain, most_gain) : 1;
}

} // namespace

double weighted_median(std::vector<double> const& values, std::vector<double> const& weights) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
    double const half = std::accumulate(weights.begin(), weights.end(), 0.0) / 2;
    double below = 0;
    for (std::size_t i : order)
        if ((below += weights[i]) >= half) return values[i];
    return values[order.back()];
}

tone_match match_tone(std::vector<known_pixel> const& given) {
    std::vector<known_pixel> all;
    std::ranges::copy_if(given, std::back_inserter(all), [](known_pixel const& p) { return p.weight > 0; });
    if (all.size() < fewest) return {};
    std::vector<double> weights;
    for (known_pixel const& p : all) weights.push_back(p.weight);
    tone_match found;
    for (std::size_t c = 0; c < 3; ++c) {
        std::vector<double> shifts;
        for (known_pixel const& p : all) shifts.push_back(p.given[c] - p.made[c]);
        found.offset[c] = robust_mean(shifts, weights);
    }
    std::vector<double> lightness;
    for (known_pixel const& p : all) lightness.push_back(p.made[0]);
    found.middle = weighted_median(lightness, weights);
    found.gain = gain_of(all);
    bool const is_seen = std::abs(found.offset[0]) >= least_offset_l || std::abs(found.offset[1]) >= least_offset_ab ||
                         std::abs(found.offset[2]) >= least_offset_ab;
    return is_seen || found.gain != 1 ? found : tone_match{};
}

} // namespace sfumato
