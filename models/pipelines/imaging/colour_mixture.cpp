#include "models/pipelines/imaging/colour_mixture.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>

namespace sfumato {

namespace {

constexpr std::size_t most_gaussians = 5, samples_for_each = 10, most_samples = 4096;
constexpr int rounds = 8;               // of k-means
constexpr double least_variance = 2e-4; // what noise and compression make of one colour

std::vector<lab_colour> thinned(std::vector<lab_colour> const& all) {
    std::size_t const count = std::min(all.size(), most_samples);
    std::vector<lab_colour> few(count);
    for (std::size_t i = 0; i < count; ++i) few[i] = all[i * all.size() / count];
    return few;
}

double squared_distance(lab_colour const& a, lab_colour const& b) {
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
}

// LL, La, Lb, aa, ab, bb of those with this number.
struct moments {
    lab_colour mean{};
    std::array<double, 6> covariance{};
    double count = 0;
};
moments moments_of(std::vector<lab_colour> const& all, std::vector<int> const& of, int which) {
    moments m;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (of[i] == which) {
            ++m.count;
            for (std::size_t c = 0; c < 3; ++c) m.mean[c] += all[i][c];
        }
    for (double& v : m.mean) v /= std::max(m.count, 1.0);
    for (std::size_t i = 0; i < all.size(); ++i)
        if (of[i] == which)
            for (std::size_t a = 0, k = 0; a < 3; ++a)
                for (std::size_t b = a; b < 3; ++b, ++k)
                    m.covariance[k] += (all[i][a] - m.mean[a]) * (all[i][b] - m.mean[b]) / m.count;
    return m;
}

// Where all of them spread most, by repeated multiplication.
lab_colour main_axis(std::array<double, 6> const& s) {
    lab_colour axis{1, 0.9, 0.8};
    for (int i = 0; i < 20; ++i) {
        lab_colour const next{s[0] * axis[0] + s[1] * axis[1] + s[2] * axis[2],
                              s[1] * axis[0] + s[3] * axis[1] + s[4] * axis[2],
                              s[2] * axis[0] + s[4] * axis[1] + s[5] * axis[2]};
        double const length = std::sqrt(squared_distance(next, {}));
        if (length < 1e-12) return axis;
        axis = {next[0] / length, next[1] / length, next[2] / length};
    }
    return axis;
}

// Equal parts along the main axis, then k-means.
std::vector<int> clusters(std::vector<lab_colour> const& all, std::size_t count) {
    std::vector<int> of(all.size(), 0);
    lab_colour const axis = main_axis(moments_of(all, of, 0).covariance);
    auto const along = [&](std::size_t i) { return all[i][0] * axis[0] + all[i][1] * axis[1] + all[i][2] * axis[2]; };
    std::vector<std::size_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, along);
    for (std::size_t i = 0; i < order.size(); ++i) of[order[i]] = int(i * count / order.size());
    for (int round = 0; round < rounds; ++round) {
        std::vector<lab_colour> means;
        for (std::size_t k = 0; k < count; ++k) means.push_back(moments_of(all, of, int(k)).mean);
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto const nearest =
                std::ranges::min_element(means, {}, [&](lab_colour const& m) { return squared_distance(m, all[i]); });
            of[i] = int(nearest - means.begin());
        }
    }
    return of;
}

} // namespace

colour_mixture::gaussian colour_mixture::fitted(std::vector<lab_colour> const& all, std::vector<int> const& of,
                                                int which) {
    moments const m = moments_of(all, of, which);
    auto [ll, la, lb, aa, ab, bb] = m.covariance;
    ll += least_variance, aa += least_variance, bb += least_variance;
    std::array<double, 6> const minors{aa * bb - ab * ab, lb * ab - la * bb, la * ab - lb * aa,
                                       ll * bb - lb * lb, la * lb - ll * ab, ll * aa - la * la};
    double const determinant = ll * minors[0] + la * minors[1] + lb * minors[2];
    gaussian g{.mean = m.mean, .inverse = minors, .factor = m.count / double(all.size()) / std::sqrt(determinant)};
    for (double& v : g.inverse) v /= determinant;
    return g;
}

colour_mixture::colour_mixture(std::vector<lab_colour> const& samples) {
    assert(!samples.empty());
    auto const all = thinned(samples);
    std::size_t const count = std::clamp<std::size_t>(all.size() / samples_for_each, 1, most_gaussians);
    auto const of = clusters(all, count);
    for (int k = 0; k < int(count); ++k)
        if (std::ranges::find(of, k) != of.end()) gaussians_.push_back(fitted(all, of, k));
}

double colour_mixture::cost(lab_colour const& c) const {
    double least = std::numeric_limits<double>::max();
    for (gaussian const& g : gaussians_) {
        double const l = c[0] - g.mean[0], a = c[1] - g.mean[1], b = c[2] - g.mean[2];
        auto const& s = g.inverse;
        double const square =
            l * (s[0] * l + 2 * s[1] * a + 2 * s[2] * b) + a * (s[3] * a + 2 * s[4] * b) + b * s[5] * b;
        least = std::min(least, square / 2 - std::log(g.factor)); // of the likeliest one
    }
    return least;
}

} // namespace sfumato
