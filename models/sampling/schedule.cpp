#include "models/sampling/schedule.h"

#include "compute/error.h"
#include "models/sampling/beta_quantile.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>
#include <span>

namespace sfumato {

namespace {

constexpr int trained_steps = 1000, lcm_trained_steps = 50;

// torch.linspace in float: from both ends, each product and sum rounded once.
std::vector<float> float_linspace(double first, double last) {
    float const low = float(first), high = float(last), step = (high - low) / float(trained_steps - 1);
    std::vector<float> values(trained_steps);
    for (int i = 0; i < trained_steps; ++i)
        values[std::size_t(i)] = i < trained_steps / 2 ? float(low + double(step) * i)
                                                       : float(high - double(step) * (trained_steps - 1 - i));
    return values;
}

// torch.cumprod of 1 − β: products in double, kept as float.
std::vector<float> cumulative_alphas(std::span<float const> betas) {
    std::vector<float> alphas_cumprod;
    double product = 1;
    for (float beta : betas) alphas_cumprod.push_back(float(product *= double(1.0f - beta)));
    return alphas_cumprod;
}

// √ᾱ shifted and scaled, so that the first stays and the last is 0; as betas.
std::vector<float> without_terminal_signal(std::span<float const> betas) {
    std::vector<float> roots = cumulative_alphas(betas);
    for (float& a : roots) a = std::sqrt(a);
    float const first = roots.front(), last = roots.back(), factor = first / (first - last);
    for (float& a : roots) a = (a - last) * factor;
    std::vector<float> rescaled{1.0f - roots[0] * roots[0]};
    for (std::size_t i = 1; i < roots.size(); ++i)
        rescaled.push_back(1.0f - (roots[i] * roots[i]) / (roots[i - 1] * roots[i - 1]));
    return rescaled;
}

void add_logarithms(noise_table& table) {
    for (double sigma : table.sigmas) table.log_sigmas.push_back(double(float(std::log(sigma))));
}

} // namespace

noise_table diffusion_table(noise_table_options const& o) {
    std::vector<float> betas = o.scaled_linear ? float_linspace(std::sqrt(o.beta_start), std::sqrt(o.beta_end))
                                               : float_linspace(o.beta_start, o.beta_end);
    if (o.scaled_linear)
        for (float& b : betas) b *= b;
    if (o.zero_terminal_snr) betas = without_terminal_signal(betas);
    std::vector<float> alphas_cumprod = cumulative_alphas(betas);
    if (o.zero_terminal_snr) alphas_cumprod.back() = float(o.terminal_snr);
    noise_table table;
    for (float a : alphas_cumprod) table.sigmas.push_back(double(std::sqrt((1.0f - a) / a)));
    add_logarithms(table);
    return table;
}

noise_table flow_table(double shift) {
    noise_table table{.sigmas = {}, .log_sigmas = {}, .flow_shift = shift};
    for (int t = 1; t <= trained_steps; ++t) table.sigmas.push_back(table.sigma_at(t));
    add_logarithms(table);
    return table;
}

double noise_table::sigma_at(double timestep) const {
    if (is_flow()) {
        double const t = timestep / trained_steps;
        return flow_shift * t / (1 + (flow_shift - 1) * t);
    }
    double const t = std::clamp(timestep, 0.0, trained_steps - 1.0);
    auto const low = std::min(std::size_t(t), std::size_t(trained_steps - 2));
    if (t == double(low)) return sigmas[low];
    return std::exp(std::lerp(std::log(sigmas[low]), std::log(sigmas[low + 1]), t - double(low)));
}

double noise_table::timestep_of(double sigma) const {
    if (is_flow()) return trained_steps * sigma;
    double const log_sigma = std::log(std::max(sigma, 1e-10));
    auto const above = std::ranges::upper_bound(log_sigmas, log_sigma) - log_sigmas.begin();
    auto const low = std::size_t(std::clamp<std::ptrdiff_t>(above - 1, 0, trained_steps - 2));
    double const part = (log_sigma - log_sigmas[low]) / (log_sigmas[low + 1] - log_sigmas[low]);
    return double(low) + std::clamp(part, 0.0, 1.0);
}

double interpolated_sigma(noise_table const& table, double timestep) {
    double const t = std::clamp(timestep, 0.0, trained_steps - 1.0);
    auto const low = std::min(std::size_t(t), std::size_t(trained_steps - 2));
    return table.sigmas[low] + (t - double(low)) * (table.sigmas[low + 1] - table.sigmas[low]);
}

std::vector<double> evenly(double first, double last, int n) {
    std::vector<double> values(std::size_t(n), first);
    double const step = n > 1 ? (last - first) / (n - 1) : 0;
    for (int i = 0; i < n; ++i) values[std::size_t(i)] += i * step;
    if (n > 1) values.back() = last;
    return values;
}

std::vector<double> leading_timesteps(int steps, int offset) {
    std::vector<double> timesteps;
    for (int i = steps; i-- > 0;) timesteps.push_back(i * (trained_steps / steps) + offset);
    return timesteps;
}

std::vector<double> trailing_timesteps(int steps) {
    std::vector<double> timesteps;
    double const stride = double(trained_steps) / steps;
    for (int i = 0; i < steps; ++i) timesteps.push_back(std::nearbyint(trained_steps - i * stride) - 1);
    return timesteps;
}

std::vector<double> linspace_timesteps(int steps) {
    std::vector<double> timesteps = evenly(0, trained_steps - 1, steps);
    std::ranges::reverse(timesteps);
    return timesteps;
}

std::vector<double> lcm_timesteps(int steps, int original_steps) {
    if (steps > original_steps)
        fail("LCM's own schedule has {} timesteps: choose at most as many steps, not {}, or another schedule.",
             original_steps, steps);
    std::vector<double> timesteps;
    for (int i = 0; i < steps; ++i) {
        int const skipped = int(std::floor(double(original_steps) / steps * i));
        timesteps.push_back((original_steps - skipped) * (trained_steps / original_steps) - 1);
    }
    return timesteps;
}

std::vector<double> karras_sigmas(double high, double low, int steps) {
    double const rho = 7;
    std::vector<double> sigmas = evenly(0, 1, steps);
    for (double& s : sigmas) s = std::pow(std::lerp(std::pow(high, 1 / rho), std::pow(low, 1 / rho), s), rho);
    return sigmas;
}

std::vector<double> exponential_sigmas(double high, double low, int steps) {
    std::vector<double> sigmas = evenly(std::log(high), std::log(low), steps);
    for (double& s : sigmas) s = std::exp(s);
    return sigmas;
}

namespace {

std::vector<double> simple_sigmas(noise_table const& table, int steps) {
    std::vector<double> sigmas;
    double const stride = double(trained_steps) / steps;
    for (int i = 0; i < steps; ++i) sigmas.push_back(table.sigmas[std::size_t(trained_steps - 1 - int(i * stride))]);
    return sigmas;
}

std::vector<double> beta_sigmas(noise_table const& table, int steps) {
    std::vector<double> sigmas;
    for (int i = 0; i < steps; ++i) {
        double const quantile = beta_quantile(1 - double(i) / steps, 0.6, 0.6);
        double const sigma = table.sigmas[std::size_t(std::nearbyint(quantile * (trained_steps - 1)))];
        if (sigmas.empty() || sigmas.back() != sigma) sigmas.push_back(sigma);
    }
    return sigmas;
}

// The levels published for 10 steps: research.nvidia.com/labs/toronto-ai/AlignYourSteps.
constexpr std::array ays_sd1{14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092,
                             0.9642583904,  0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582};
constexpr std::array ays_sdxl{14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141,
                              0.5550693289,  0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582};

// n + 1 levels between the first and the last, of which the last gives way to 0.
std::vector<double> ays_sigmas(std::span<double const> published, int steps) {
    std::vector<double> sigmas;
    for (int i = 0; i < steps; ++i) {
        double const at = double(i) * double(published.size() - 1) / steps;
        auto const low = std::size_t(at);
        sigmas.push_back(std::exp(std::lerp(std::log(published[low]), std::log(published[low + 1]), at - double(low))));
    }
    return sigmas;
}

schedule from_sigmas(noise_table const& table, std::vector<double> sigmas) {
    schedule s{.sigmas = std::move(sigmas), .timesteps = {}};
    for (double sigma : s.sigmas) s.timesteps.push_back(table.timestep_of(sigma));
    s.sigmas.push_back(0);
    return s;
}

// A flow's network is told 1000·σ, not the timestep that σ was made from.
schedule from_timesteps(noise_table const& table, std::vector<double> timesteps) {
    schedule s{.sigmas = {}, .timesteps = std::move(timesteps)};
    for (double& t : s.timesteps) {
        s.sigmas.push_back(table.sigma_at(t));
        if (table.is_flow()) t = table.timestep_of(s.sigmas.back());
    }
    s.sigmas.push_back(0);
    return s;
}

schedule linspace_schedule(noise_table const& table, int steps) {
    schedule s{.sigmas = {}, .timesteps = linspace_timesteps(steps)};
    for (double t : s.timesteps) s.sigmas.push_back(interpolated_sigma(table, t));
    s.sigmas.push_back(0);
    return s;
}

} // namespace

int most_steps(scheduler which) {
    switch (which) {
    case scheduler::normal:
    case scheduler::karras:
    case scheduler::exponential:
    case scheduler::sgm_uniform:
    case scheduler::ays:
    case scheduler::linspace: return 100 * trained_steps; // 1000 steps of strength 0.01
    case scheduler::simple:
    case scheduler::ddim_uniform:
    case scheduler::beta:
    case scheduler::leading:
    case scheduler::trailing: return trained_steps;
    case scheduler::lcm: return lcm_trained_steps;
    }
    return trained_steps;
}

schedule make_schedule(scheduler which, noise_table const& table, int steps, bool xl) {
    assert(steps >= 1 && steps <= std::max(most_steps(which), trained_steps));
    double const first = table.is_flow() ? table.timestep_of(table.sigma_max()) : trained_steps - 1;
    double const last = table.is_flow() ? table.timestep_of(table.sigma_min()) : 0;
    if (table.is_flow() && (which == scheduler::ays || which == scheduler::lcm))
        fail("The schedules ays and lcm are for Stable Diffusion 1, 2 and XL: choose another one for this model.");
    int const leading_offset = steps < trained_steps ? 1 : 0; // of 1000 steps, each timestep is one
    switch (which) {
    case scheduler::leading:
    case scheduler::trailing:
    case scheduler::linspace:
        if (table.is_flow()) break;
        if (which == scheduler::linspace) return linspace_schedule(table, steps);
        return from_timesteps(table, which == scheduler::leading ? leading_timesteps(steps, leading_offset)
                                                                 : trailing_timesteps(steps));
    case scheduler::normal: break;
    case scheduler::karras: return from_sigmas(table, karras_sigmas(table.sigma_max(), table.sigma_min(), steps));
    case scheduler::exponential:
        return from_sigmas(table, exponential_sigmas(table.sigma_max(), table.sigma_min(), steps));
    case scheduler::sgm_uniform: {
        auto timesteps = evenly(first, last, steps + 1);
        timesteps.pop_back();
        return from_timesteps(table, std::move(timesteps));
    }
    case scheduler::simple: return from_sigmas(table, simple_sigmas(table, steps));
    case scheduler::ddim_uniform: {
        std::vector<double> sigmas;
        for (double t : leading_timesteps(steps, leading_offset)) sigmas.push_back(table.sigmas[std::size_t(t)]);
        return from_sigmas(table, std::move(sigmas));
    }
    case scheduler::beta: return from_sigmas(table, beta_sigmas(table, steps));
    case scheduler::ays: return from_sigmas(table, ays_sigmas(xl ? std::span(ays_sdxl) : std::span(ays_sd1), steps));
    case scheduler::lcm: return from_timesteps(table, lcm_timesteps(steps));
    }
    return from_timesteps(table, evenly(first, last, steps));
}

} // namespace sfumato
