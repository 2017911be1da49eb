#include "models/sampling/samplers.h"

#include "compute/error.h"
#include "models/sampling/multistep.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

// Coefficients of the picture that the network predicts at a level.
model_combination predicted_picture(prediction p, noise_level const& l) {
    double const scale = 1 / std::hypot(l.image, l.noise);
    switch (p) {
    case prediction::epsilon: return {1 / l.image, -l.noise / l.image};
    case prediction::v: return {l.image * scale * scale, -l.noise * scale};
    case prediction::flow: return {1 / (l.image + l.noise), -l.noise / (l.image + l.noise)};
    }
    return {};
}

double input_scale(prediction p, noise_level const& l) {
    return 1 / (p == prediction::flow ? l.image + l.noise : std::hypot(l.image, l.noise));
}

// x' = x·X + picture·D, towards a level as if D were the truth: DDIM, or Euler's step along dx/dσ.
struct straight {
    double x, picture;
};
straight towards(noise_level const& from, noise_level const& to) {
    double const less = to.noise / from.noise;
    return {less, to.image - from.image * less};
}

// Which part of to's noise an ancestral step keeps; the rest, of the same variance, is drawn anew.
double kept_noise(noise_level const& from, noise_level const& to, double eta) {
    double const ratio = from.image * to.noise / (to.image * from.noise);
    return to.noise * std::sqrt(1 - std::min(1.0, eta * eta * (1 - ratio * ratio)));
}

// ComfyUI's rule for flows: down to σ'·(1 + (σ'/σ − 1)·η) along the flow, then back up to σ' with new noise.
double kept_noise_of_flow(noise_level const& from, noise_level const& to, double eta) {
    double const down = to.noise * (1 + (to.noise / from.noise - 1) * eta);
    return down * to.image / (1 - down);
}

// Along with D = K_0 to where `kept` of to's noise is left, and new noise up to `to`; from `saved` or x.
void ancestral_step(evaluation& e, double combination::* sample, noise_level const& from, noise_level const& to,
                    double kept) {
    auto const [x, picture] = towards(from, {to.image, kept});
    e.next.*sample = x;
    e.next.kept[0] = picture;
    e.next.noise = std::sqrt(std::max(0.0, to.noise * to.noise - kept * kept));
    e.reached = to;
}

std::vector<evaluation> follow_euler(sampling_path const& path, path_options const& o) {
    bool const flow = path.space == space::flow && o.sampler == sampler::euler_a;
    std::vector<evaluation> run;
    for (auto const& [timestep, middle, from, to] : path.steps) {
        evaluation e = begin_evaluation(path, from, timestep, int(run.size()));
        ancestral_step(e, &combination::x, from, to, (flow ? kept_noise_of_flow : kept_noise)(from, to, o.eta));
        run.push_back(e);
    }
    return run;
}

// Both evaluations of a step predict a picture; the second starts over from the step's beginning with that one.
std::vector<evaluation> follow_dpm_sde(sampling_path const& path, path_options const& o) {
    std::vector<evaluation> run;
    for (int i = 0; i < int(path.steps.size()); ++i) {
        auto const& [timestep, middle_timestep, from, to] = path.steps[std::size_t(i)];
        evaluation first = begin_evaluation(path, from, timestep, i);
        if (to.noise == 0) {
            ancestral_step(first, &combination::x, from, to, 0);
            run.push_back(first);
            continue;
        }
        double const sigma = std::exp(log_snr_distance(from, to) / 2) * to.noise / to.image;
        noise_level const middle = level_at(path.space, path.space == space::flow ? sigma / (1 + sigma) : sigma);
        ancestral_step(first, &combination::x, from, middle, kept_noise(from, middle, o.eta));
        first.save = combination{.x = 1};
        evaluation second = begin_evaluation(path, middle, middle_timestep, i);
        ancestral_step(second, &combination::saved, from, to, kept_noise(from, to, o.eta));
        run.insert(run.end(), {first, second});
    }
    return run;
}

// The mean of the slopes (x − D)/σ at both ends; σ and x as k-diffusion has them.
std::vector<evaluation> follow_heun(sampling_path const& path, path_options const&) {
    bool const scaled = path.space == space::unit_variance;
    std::vector<evaluation> run;
    for (int i = 0; i < int(path.steps.size()); ++i) {
        path_step const& s = path.steps[std::size_t(i)];
        evaluation first = begin_evaluation(path, s.from, s.timestep, i);
        ancestral_step(first, &combination::x, s.from, s.to, s.to.noise);
        run.push_back(first);
        if (s.to.noise == 0) continue;
        run.back().save = combination{.x = 1};
        double const from_scale = scaled ? s.from.image : 1, to_scale = scaled ? s.to.image : 1;
        double const from_sigma = s.from.noise / from_scale, to_sigma = s.to.noise / to_scale;
        double const half = (to_sigma - from_sigma) / 2;
        evaluation second = begin_evaluation(path, s.to, path.steps[std::size_t(i + 1)].timestep, i);
        second.next = {.x = half / to_sigma,
                       .saved = to_scale / from_scale * (1 + half / from_sigma),
                       .kept = {-to_scale * half / to_sigma, -to_scale * half / from_sigma}};
        second.reached = s.to;
        run.push_back(second);
    }
    return run;
}

// What PLMS takes for the network's output: of K_0 … K_3, by how many there are.
std::array<double, 4> adams_bashforth(int have) {
    switch (have) {
    case 1: return {1};
    case 2: return {3 / 2.0, -1 / 2.0};
    case 3: return {23 / 12.0, -16 / 12.0, 5 / 12.0};
    default: return {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0};
    }
}

model_combination predicted_noise(model_combination const& picture, noise_level const& l) {
    return {(1 - l.image * picture.x) / l.noise, -l.image * picture.model / l.noise};
}

std::vector<evaluation> follow_plms(sampling_path const& path, path_options const& o) {
    bool const as_noise = path.prediction == prediction::v && !o.plms_keeps_v;
    prediction const kept = as_noise ? prediction::epsilon : path.prediction;
    std::vector<evaluation> run;
    int have = 0; // evaluations that were kept
    for (int i = 0; i < int(path.steps.size()); ++i) {
        path_step const& s = path.steps[std::size_t(i)];
        bool const again = i == 1; // the first step once more, with the slope at its end too
        evaluation e = begin_evaluation(path, again ? s.to : s.from, s.timestep, std::max(0, i - 1));
        e.kept = as_noise ? predicted_noise(e.x0, e.level) : model_combination{.x = 0, .model = 1};
        e.keep = !again;
        if (e.keep) ++have;
        auto const weights = again ? std::array<double, 4>{1 / 2.0, 1 / 2.0} : adams_bashforth(have);
        auto const [x, picture] = towards(s.from, s.to);
        auto const predicted = predicted_picture(kept, s.from);
        (again ? e.next.saved : e.next.x) = x + picture * predicted.x;
        for (int k = 0; k < 4; ++k) e.next.kept[std::size_t(k)] = picture * predicted.model * weights[std::size_t(k)];
        if (i == 0) e.save = combination{.x = 1};
        e.reached = s.to;
        run.push_back(e);
    }
    return run;
}

// D and the sample itself, weighted so that at timestep 0 nothing changes.
std::vector<evaluation> follow_lcm(sampling_path const& path, path_options const& o) {
    std::vector<evaluation> run;
    for (auto const& [timestep, middle, from, to] : path.steps) {
        evaluation e = begin_evaluation(path, from, timestep, int(run.size()));
        double const data = 0.5, t = timestep * o.timestep_scaling;
        double const skip = data * data / (t * t + data * data), out = t / std::hypot(t, data);
        e.kept = {.x = out * e.x0.x + skip * e.input_scale, .model = out * e.x0.model};
        e.next = {.noise = to.noise, .kept = {to.image}};
        e.reached = to;
        run.push_back(e);
    }
    return run;
}

} // namespace

noise_level level_at(space s, double sigma) {
    if (s == space::sigma) return {1, sigma};
    if (s == space::flow) return {1 - sigma, sigma};
    if (std::isinf(sigma)) return {0, 1};
    double const image = 1 / std::sqrt(1 + sigma * sigma);
    return {image, sigma * image};
}

double log_snr_distance(noise_level const& from, noise_level const& to) {
    return -std::log(from.image * to.noise / (to.image * from.noise));
}

evaluation begin_evaluation(sampling_path const& path, noise_level const& from, double timestep, int step) {
    evaluation e{.step = step, .timestep = timestep, .input_scale = input_scale(path.prediction, from), .level = from};
    e.x0 = e.kept = predicted_picture(path.prediction, from);
    return e;
}

namespace {

// What each row of request/samplers.h computes.
struct follower {
    sampler value;
    std::vector<evaluation> (*follow)(sampling_path const&, path_options const&);
};
constexpr follower followers[] = {
    {sampler::euler, follow_euler},
    {sampler::euler_a, follow_euler},
    {sampler::heun, follow_heun},
    {sampler::dpmpp_2m, follow_dpm_multistep},
    {sampler::dpmpp_2m_sde, follow_dpm_multistep},
    {sampler::dpmpp_sde, follow_dpm_sde},
    {sampler::dpmpp_3m_sde, follow_dpm_multistep},
    {sampler::ddim, follow_euler},
    {sampler::plms, follow_plms},
    {sampler::unipc, follow_unipc},
    {sampler::lcm, follow_lcm},
};
static_assert(std::ranges::equal(followers, sampler_table, {}, &follower::value, &sampler_row::value));

// The part of a schedule that strength leaves.
schedule shortened_schedule(sampling_settings const& o, noise_table const& table) {
    assert(o.strength > 0 && o.strength <= 1);
    bool const full = o.rule == strength_rule::full_steps;
    int const most = most_steps(o.scheduler), steps = full ? int(o.steps / o.strength) : o.steps;
    if (full && o.scheduler == scheduler::lcm && steps > most && o.strength < 1)
        fail("Strength {} leaves {} of the {} timesteps that LCM's own schedule has: choose at most as many steps, not "
             "{}, "
             "or another schedule.",
             o.strength, int(most * o.strength), most, o.steps);
    // A schedule that picks from the trained timesteps has no more levels than those, and strength leaves its share.
    bool const cut = full && steps > most && o.strength < 1;
    schedule s = make_schedule(o.scheduler, table, cut ? most : steps, o.xl);
    int const run = std::min(full ? o.steps : int(o.steps * o.strength), cut ? int(s.steps() * o.strength) : s.steps());
    if (run == 0) fail("Strength {} leaves none of {} steps: choose more steps or more strength.", o.strength, o.steps);
    s.sigmas.erase(s.sigmas.begin(), s.sigmas.end() - (run + 1));
    s.timesteps.erase(s.timesteps.begin(), s.timesteps.end() - run);
    return s;
}

// A flow begins just short of pure noise, as in ComfyUI.
void avoid_pure_noise(schedule& s, noise_table const& table) {
    if (!table.is_flow() || s.sigmas[0] < table.sigma_max()) return;
    s.sigmas[0] = table.sigma_at(1000 * (1 - 1e-4));
    s.timesteps[0] = table.timestep_of(s.sigmas[0]);
}

sampling_path path_along(schedule const& s, noise_table const& table, prediction p) {
    sampling_path path{.space = table.is_flow() ? space::flow : space::unit_variance, .prediction = p, .steps = {}};
    for (std::size_t i = 0; i < s.timesteps.size(); ++i) {
        path_step step{.timestep = s.timesteps[i],
                       .from = level_at(path.space, s.sigmas[i]),
                       .to = level_at(path.space, s.sigmas[i + 1])};
        if (step.to.noise > 0) {
            double const sigma = std::exp(log_snr_distance(step.from, step.to) / 2) * step.to.noise / step.to.image;
            step.middle_timestep = table.timestep_of(table.is_flow() ? sigma / (1 + sigma) : sigma);
        }
        path.steps.push_back(step);
    }
    return path;
}

// As many earlier steps as there are, and none in the step to σ = 0.
std::vector<int> orders(sampling_path const& path, int highest) {
    std::vector<int> orders;
    for (int i = 0; i < int(path.steps.size()); ++i)
        orders.push_back(path.steps[std::size_t(i)].to.noise == 0 ? 1 : std::min(highest, i + 1));
    return orders;
}

} // namespace

std::vector<evaluation> follow(sampling_path const& path, path_options const& o) {
    return followers[int(o.sampler)].follow(path, o);
}

void repeat_first_step(sampling_path& path) {
    if (path.steps.size() < 2) return;
    path_step again = path.steps[0];
    again.timestep = path.steps[1].timestep;
    path.steps.insert(path.steps.begin() + 1, again);
}

sampling_run plan_sampling(sampling_settings const& o) {
    if (o.zero_terminal_snr && o.prediction == prediction::flow)
        fail(
            "zero_terminal_snr is not for this model: it follows a flow, which ends in noise alone by itself; leave it "
            "out.");
    sampler_row const& row = row_of(o.sampler);
    noise_table const table = o.prediction == prediction::flow
                                  ? flow_table(o.flow_shift)
                                  : diffusion_table({.zero_terminal_snr = o.zero_terminal_snr});
    schedule s = shortened_schedule(o, table);
    if (!row.from_pure_noise) avoid_pure_noise(s, table);
    sampling_path path = path_along(s, table, o.prediction);
    sampling_run run{.evaluations = {}, .steps = int(path.steps.size()), .from_image = path.steps[0].from};
    path_options const options{.sampler = o.sampler,
                               .eta = o.eta.value_or(row.eta),
                               .orders = orders(path, row.order),
                               .midpoint = row.order < 3}; // as k-diffusion: 3M's second step is Heun's
    if (row.first_step_twice) repeat_first_step(path);
    run.evaluations = follow(path, options);
    return run;
}

} // namespace sfumato
