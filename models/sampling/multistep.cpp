#include "models/sampling/multistep.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

// One step of DPM-Solver++ (2M, 3M; of k-diffusion's 2M SDE and 3M SDE where η > 0). D, D' … = K_0, K_1 …
combination dpm_step(sampling_path const& path, path_options const& o, int i) {
    auto const at = [&](int k) { return path.steps[std::size_t(i - k)].from; };
    noise_level const from = at(0), to = path.steps[std::size_t(i)].to;
    int const order = o.orders[std::size_t(i)];
    double const decay = from.image * to.noise / (to.image * from.noise); // e^−h
    combination c{.x = to.noise / from.noise * std::pow(decay, o.eta),
                  .noise = to.noise * std::sqrt(1 - std::pow(decay, 2 * o.eta)),
                  .kept = {to.image * (1 - std::pow(decay, 1 + o.eta))}};
    if (order == 1) return c;

    double const h = log_snr_distance(from, to), h_eta = h * (1 + o.eta);
    double const r0 = log_snr_distance(at(1), from) / h;
    double const phi2 = std::expm1(-h_eta) / h_eta + 1, phi3 = phi2 / h_eta - 0.5;
    if (order == 2) {
        double const d = (o.midpoint ? c.kept[0] / 2 : to.image * phi2) / r0; // of D − D'
        c.kept[0] += d;
        c.kept[1] -= d;
        return c;
    }
    // First and second derivative from three pictures: d0 = (D − D')/r0, d1 = (D' − D'')/r1.
    double const r1 = log_snr_distance(at(2), at(1)) / h;
    double const of_d0 = to.image * (phi2 * (1 + r0 / (r0 + r1)) - phi3 / (r0 + r1)) / r0;
    double const of_d1 = to.image * (-phi2 * r0 / (r0 + r1) + phi3 / (r0 + r1)) / r1;
    c.kept[0] += of_d0;
    c.kept[1] += of_d1 - of_d0;
    c.kept[2] -= of_d1;
    return c;
}

} // namespace

std::vector<evaluation> follow_dpm_multistep(sampling_path const& path, path_options const& o) {
    assert(o.orders.size() == path.steps.size());
    std::vector<evaluation> run;
    for (int i = 0; i < int(path.steps.size()); ++i) {
        path_step const& s = path.steps[std::size_t(i)];
        evaluation e = begin_evaluation(path, s.from, s.timestep, i);
        e.next = dpm_step(path, o, i);
        e.reached = s.to;
        run.push_back(e);
    }
    return run;
}

namespace {

combination& operator+=(combination& a, combination const& b) {
    a.x += b.x;
    a.saved += b.saved;
    for (std::size_t k = 0; k < 4; ++k) a.kept[k] += b.kept[k];
    return a;
}

combination scaled(combination c, double factor) {
    c.x *= factor;
    c.saved *= factor;
    for (double& k : c.kept) k *= factor;
    return c;
}

// Solves matrix · x = right, n ≤ 3, by elimination with pivots.
std::array<double, 3> solve(std::array<std::array<double, 3>, 3> matrix, std::array<double, 3> right, int n) {
    for (int column = 0; column < n; ++column) {
        int pivot = column;
        for (int row = column; row < n; ++row)
            if (std::abs(matrix[row][column]) > std::abs(matrix[pivot][column])) pivot = row;
        std::swap(matrix[column], matrix[pivot]);
        std::swap(right[column], right[pivot]);
        for (int row = 0; row < n; ++row) {
            if (row == column) continue;
            double const factor = matrix[row][column] / matrix[column][column];
            for (int k = column; k < n; ++k) matrix[row][k] -= factor * matrix[column][k];
            right[row] -= factor * right[column];
        }
    }
    std::array<double, 3> x{};
    for (int row = 0; row < n; ++row) x[row] = right[row] / matrix[row][row];
    return x;
}

// UniPC's ρ for points at `ratios`: Σ ρ_j·r_j^(i−1) = i!·g_i/B, i = 1 … n.
std::array<double, 3> unipc_weights(std::array<double, 3> const& ratios, double hh, int n) {
    std::array<std::array<double, 3>, 3> powers{};
    std::array<double, 3> right{};
    double g = std::expm1(hh) / hh - 1, factorial = 1;
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) powers[i][j] = std::pow(ratios[j], i);
        right[i] = g * factorial / std::expm1(hh);
        factorial *= i + 2;
        g = g / hh - 1 / factorial;
    }
    return solve(powers, right, n);
}

// The picture's part of a UniPC step from step `i`'s beginning over a distance of h: Σ over K_first (the picture
// there), the `order` − 1 before it, and, in the corrector, K_0, the picture at the end.
combination unipc_pictures(sampling_path const& path, int i, double image, double h, int order, bool corrector) {
    std::size_t const first = corrector ? 1 : 0;
    std::array<double, 3> ratios{};
    for (int j = 1; j < order; ++j)
        ratios[std::size_t(j - 1)] =
            -log_snr_distance(path.steps[std::size_t(i - j)].from, path.steps[std::size_t(i)].from) / h;
    ratios[std::size_t(order - 1)] = 1;
    int const unknowns = corrector ? order : order - 1;
    std::array<double, 3> weights{0.5};
    if (unknowns > 1) weights = unipc_weights(ratios, -h, unknowns);

    double const b = image * std::expm1(-h);
    combination c;
    c.kept[first] = -b;
    for (int j = 0; j < unknowns; ++j) {
        bool const end = corrector && j == unknowns - 1;
        double const weight = b * weights[std::size_t(j)] / ratios[std::size_t(j)];
        c.kept[end ? 0 : first + std::size_t(j) + 1] -= weight;
        c.kept[first] += weight;
    }
    return c;
}

} // namespace

std::vector<evaluation> follow_unipc(sampling_path const& path, path_options const& o) {
    assert(o.orders.size() == path.steps.size());
    std::vector<evaluation> run;
    for (int i = 0; i < int(path.steps.size()); ++i) {
        auto const& [timestep, middle, from, to] = path.steps[std::size_t(i)];
        evaluation e = begin_evaluation(path, from, timestep, i);
        // First the point itself anew, now that the picture at it is known; then on from there.
        combination corrected{.x = 1};
        if (i > 0) {
            noise_level const before = path.steps[std::size_t(i - 1)].from;
            corrected = {.saved = from.noise / before.noise};
            corrected += unipc_pictures(path, i - 1, from.image, log_snr_distance(before, from),
                                        o.orders[std::size_t(i - 1)], true);
        }
        e.save = corrected;
        e.next = scaled(corrected, to.noise / from.noise);
        e.next += unipc_pictures(path, i, to.image, log_snr_distance(from, to), o.orders[std::size_t(i)], false);
        e.reached = to;
        run.push_back(e);
    }
    return run;
}

} // namespace sfumato
