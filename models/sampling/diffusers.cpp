#include "models/sampling/diffusers.h"

#include "compute/error.h"
#include "models/json.h"
#include "models/sampling/beta_quantile.h"
#include "models/sampling/path.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace sfumato {

using nlohmann::json;

namespace {

constexpr int trained_steps = 1000;

// A class of diffusers and its configuration.
struct configuration {
    std::string_view name;
    json const& keys;

    json const* find(char const* key) const {
        auto const found = keys.find(key);
        return found == keys.end() || found->is_null() ? nullptr : &*found;
    }
    [[noreturn]] void refuse(char const* key, std::string_view wanted) const {
        fail("{} with \"{}\": {} is not supported: it must be {}", name, key, json_show(*find(key)), wanted);
    }
    double number(char const* key, double otherwise) const {
        json const* value = find(key);
        if (value && !value->is_number()) refuse(key, "a number");
        return value ? value->get<double>() : otherwise;
    }
    int whole(char const* key, int otherwise, int least, int most) const {
        json const* value = find(key);
        if (!value) return otherwise;
        if (!value->is_number_integer() || *value < least || *value > most)
            refuse(key, std::format("a whole number from {} to {}", least, most));
        return value->get<int>();
    }
    bool flag(char const* key, bool otherwise = false) const {
        json const* value = find(key);
        if (value && !value->is_boolean()) refuse(key, "true or false");
        return value ? value->get<bool>() : otherwise;
    }
    std::string text(char const* key, std::string_view otherwise) const {
        json const* value = find(key);
        if (value && !value->is_string()) refuse(key, "a text");
        return value ? value->get<std::string>() : std::string(otherwise);
    }
    // `only`: what we can do.
    void require_flag(char const* key, bool only, bool otherwise) const {
        if (flag(key, otherwise) == only) return;
        fail("{} with \"{}\": {} is not supported", name, key, !only);
    }
};

enum class kind { ddim, pndm, euler, euler_a, heun, dpm_multistep, dpm_sde, unipc, lcm, flow_euler };

kind kind_of(std::string_view name) {
    constexpr std::pair<std::string_view, kind> classes[] = {{"DDIMScheduler", kind::ddim},
                                                             {"PNDMScheduler", kind::pndm},
                                                             {"EulerDiscreteScheduler", kind::euler},
                                                             {"EulerAncestralDiscreteScheduler", kind::euler_a},
                                                             {"HeunDiscreteScheduler", kind::heun},
                                                             {"DPMSolverMultistepScheduler", kind::dpm_multistep},
                                                             {"DPMSolverSDEScheduler", kind::dpm_sde},
                                                             {"UniPCMultistepScheduler", kind::unipc},
                                                             {"LCMScheduler", kind::lcm},
                                                             {"FlowMatchEulerDiscreteScheduler", kind::flow_euler}};
    std::string list;
    for (auto const& [known, value] : classes) {
        if (known == name) return value;
        list += (list.empty() ? "" : ", ") + std::string(known);
    }
    fail("diffusers' scheduler {} is not supported; supported are {}", name, list);
}

prediction prediction_of(configuration const& c) {
    std::string const type = c.text("prediction_type", "epsilon");
    if (type == "epsilon") return prediction::epsilon;
    if (type == "v_prediction") return prediction::v;
    if (type == "flow_prediction" && c.flag("use_flow_sigmas")) return prediction::flow;
    c.refuse("prediction_type", "epsilon, v_prediction, or flow_prediction with use_flow_sigmas");
}

noise_table table_of(configuration const& c, kind k) {
    bool const of_stable_diffusion = k == kind::heun || k == kind::dpm_sde || k == kind::lcm;
    std::string const betas = c.text("beta_schedule", k == kind::lcm ? "scaled_linear" : "linear");
    if (betas != "scaled_linear" && betas != "linear") c.refuse("beta_schedule", "scaled_linear or linear");
    if (c.find("trained_betas")) c.refuse("trained_betas", "null");
    bool const by_index = k == kind::ddim || k == kind::pndm || k == kind::lcm;
    return diffusion_table({.beta_start = c.number("beta_start", of_stable_diffusion ? 0.00085 : 0.0001),
                            .beta_end = c.number("beta_end", of_stable_diffusion ? 0.012 : 0.02),
                            .scaled_linear = betas == "scaled_linear",
                            .zero_terminal_snr = c.flag("rescale_betas_zero_snr"),
                            .terminal_snr = by_index ? 0 : 0x1p-24});
}

// timestep_spacing, in whole steps but for linspace. `further`: DPM-Solver and UniPC space one more than there are steps.
std::vector<double> spaced_timesteps(configuration const& c, int steps, bool further, std::string_view otherwise) {
    std::string const spacing = c.text("timestep_spacing", otherwise);
    std::vector<double> timesteps;
    if (spacing == "trailing") return trailing_timesteps(steps);
    if (spacing == "leading")
        timesteps = leading_timesteps(steps + further, c.whole("steps_offset", 0, 0, trained_steps));
    else if (spacing == "linspace")
        timesteps = linspace_timesteps(steps + further);
    else
        c.refuse("timestep_spacing", "leading, trailing or linspace");
    if (further) timesteps.pop_back();
    return timesteps;
}

enum class spacing_of_sigmas { timesteps, karras, exponential, beta };

spacing_of_sigmas sigma_spacing(configuration const& c) {
    c.require_flag("use_lu_lambdas", false, false);
    if (c.flag("use_karras_sigmas")) return spacing_of_sigmas::karras;
    if (c.flag("use_exponential_sigmas")) return spacing_of_sigmas::exponential;
    return c.flag("use_beta_sigmas") ? spacing_of_sigmas::beta : spacing_of_sigmas::timesteps;
}

std::vector<double> spaced_sigmas(configuration const& c, double high, double low, int steps) {
    high = c.number("sigma_max", high);
    low = c.number("sigma_min", low);
    if (!(high >= low) || !(low > 0)) fail("{} with sigma_min {} and sigma_max {} has no schedule", c.name, low, high);
    switch (sigma_spacing(c)) {
    case spacing_of_sigmas::karras: return karras_sigmas(high, low, steps);
    case spacing_of_sigmas::exponential: return exponential_sigmas(high, low, steps);
    default: break;
    }
    std::vector<double> sigmas = evenly(0, 1, steps);
    for (double& s : sigmas) s = low + beta_quantile(1 - s, 0.6, 0.6) * (high - low);
    return sigmas;
}

// Timesteps and the σ at each, and the last σ.
struct spaced {
    std::vector<double> timesteps, sigmas;

    void finish(double last) {
        sigmas.push_back(last);
        for (double& s : sigmas) s = double(float(s));
    }
};

double last_sigma(configuration const& c, double least) {
    std::string const type = c.text("final_sigmas_type", "zero");
    if (type != "zero" && type != "sigma_min") c.refuse("final_sigmas_type", "zero or sigma_min");
    return type == "zero" ? 0 : least;
}

// Euler, Euler a, Heun and DPM++ SDE.
spaced in_sigma_space(configuration const& c, kind k, noise_table const& table, int steps) {
    if (c.text("interpolation_type", "linear") != "linear") c.refuse("interpolation_type", "linear");
    if (c.text("timestep_type", "discrete") != "discrete") c.refuse("timestep_type", "discrete");
    auto const as_told = [k](double t) { return k == kind::dpm_sde ? t : double(float(t)); };
    spaced s{.timesteps = spaced_timesteps(c, steps, false, "linspace"), .sigmas = {}};
    for (double& t : s.timesteps) s.sigmas.push_back(interpolated_sigma(table, t = as_told(t)));
    if (sigma_spacing(c) != spacing_of_sigmas::timesteps) {
        s.sigmas = spaced_sigmas(c, s.sigmas.front(), s.sigmas.back(), steps);
        std::ranges::transform(s.sigmas, s.timesteps.begin(), [&](double x) { return as_told(table.timestep_of(x)); });
    }
    return s;
}

// DPM-Solver and UniPC on flows.
spaced on_flow(configuration const& c, kind k, int steps) {
    if (sigma_spacing(c) != spacing_of_sigmas::timesteps) fail("{}: use_flow_sigmas goes with no other spacing", c.name);
    c.require_flag("use_dynamic_shifting", false, false);
    noise_table const table = flow_table(c.number("flow_shift", 1));
    spaced s;
    for (double u : evenly(trained_steps, 1, steps + 1))
        s.sigmas.push_back(table.sigma_at(k == kind::unipc ? u : trained_steps - u));
    if (k == kind::dpm_multistep) std::ranges::reverse(s.sigmas);
    s.sigmas.pop_back();
    if (std::abs(s.sigmas[0] - 1) < 1e-6) s.sigmas[0] -= 1e-6;
    for (double x : s.sigmas) s.timesteps.push_back(std::trunc(x * trained_steps));
    s.finish(last_sigma(c, s.sigmas.back()));
    return s;
}

spaced of_multistep(configuration const& c, kind k, noise_table const& table, int steps) {
    if (c.flag("use_flow_sigmas")) return on_flow(c, k, steps);
    spaced s{.timesteps = spaced_timesteps(c, steps, true, "linspace"), .sigmas = {}};
    for (double& t : s.timesteps) s.sigmas.push_back(interpolated_sigma(table, t = std::nearbyint(t)));
    double least = table.sigma_min();
    if (spacing_of_sigmas const spacing = sigma_spacing(c); spacing != spacing_of_sigmas::timesteps) {
        s.sigmas = spaced_sigmas(c, table.sigma_max(), table.sigma_min(), steps);
        if (k == kind::unipc) least = s.sigmas.back();
        std::ranges::transform(s.sigmas, s.timesteps.begin(), [&](double x) {
            double const t = table.timestep_of(x);
            return spacing == spacing_of_sigmas::karras ? std::nearbyint(t) : std::trunc(t);
        });
    }
    s.finish(last_sigma(c, least));
    return s;
}

sampling_path path_through(spaced const& s, space kept, prediction p) {
    sampling_path path{.space = kept, .prediction = p, .steps = {}};
    for (std::size_t i = 0; i < s.timesteps.size(); ++i)
        path.steps.push_back({.timestep = s.timesteps[i],
                              .middle_timestep = 0,
                              .from = level_at(kept, s.sigmas[i]),
                              .to = level_at(kept, s.sigmas[i + 1])});
    return path;
}

// What a class makes of a configuration: where the path leads, how it is followed, and what it tells about itself.
struct plan {
    sampling_path path;
    path_options options;
    double from_noise = 1;
    std::vector<double> sigmas;
    bool whole_timesteps = true;
};

// σ0 σ1 σ1 σ2 σ2 … of two evaluations a step.
std::vector<double> doubled(std::vector<double> const& sigmas) {
    std::vector<double> doubled;
    for (std::size_t i = 0; i < sigmas.size(); ++i)
        doubled.insert(doubled.end(), i == 0 || i + 1 == sigmas.size() ? 1 : 2, sigmas[i]);
    return doubled;
}

plan plan_in_sigma_space(configuration const& c, kind k, int steps) {
    c.require_flag("clip_sample", false, false);
    noise_table const table = table_of(c, k);
    spaced s = in_sigma_space(c, k, table, steps);
    auto const exact = s.sigmas;
    s.finish(k == kind::euler ? last_sigma(c, table.sigma_min()) : 0);
    plan p{.path = path_through(s, space::sigma, prediction_of(c)), .options = {}, .sigmas = s.sigmas};
    for (std::size_t i = 0; i + 1 < exact.size(); ++i)
        p.path.steps[i].middle_timestep = table.timestep_of(std::sqrt(exact[i] * exact[i + 1]));
    bool const two = k == kind::heun || k == kind::dpm_sde;
    if (two) p.sigmas = doubled(s.sigmas);
    p.options.sampler = k == kind::euler     ? sampler::euler
                        : k == kind::euler_a ? sampler::euler_a
                        : k == kind::heun    ? sampler::heun
                                             : sampler::dpmpp_sde;
    p.options.eta = default_eta(p.options.sampler);
    double const most = *std::ranges::max_element(s.sigmas);
    p.from_noise = c.text("timestep_spacing", "linspace") == "leading" ? std::hypot(most, 1) : most;
    p.whole_timesteps = false;
    return p;
}

plan plan_multistep(configuration const& c, kind k, int steps) {
    c.require_flag("thresholding", false, false);
    prediction const predicted = prediction_of(c);
    bool const flow = predicted == prediction::flow;
    if (flow != c.flag("use_flow_sigmas")) c.refuse("use_flow_sigmas", "there with flow_prediction only");
    spaced const s = of_multistep(c, k, flow ? noise_table{} : table_of(c, k), steps);
    plan p{.path = path_through(s, flow ? space::flow : space::unit_variance, predicted), .options = {}, .sigmas = s.sigmas};

    int const order = c.whole("solver_order", 2, 1, 3);
    bool const to_zero = s.sigmas.back() == 0, fewer = c.flag("lower_order_final", true);
    for (int i = 0; i < steps; ++i) {
        int const left = steps - i;
        int most = std::min(order, i + 1);
        if (k == kind::unipc) {
            if (fewer) most = std::min(most, left);
            if (left == 1 && to_zero && !fewer) c.refuse("lower_order_final", "true where the last sigma is zero");
        } else {
            if (left == 1 && (to_zero || c.flag("euler_at_final") || (fewer && steps < 15))) most = 1;
            if (left == 2 && fewer && steps < 15) most = std::min(most, 2);
        }
        p.options.orders.push_back(most);
    }
    if (k == kind::unipc) {
        p.options.sampler = sampler::unipc;
        c.require_flag("predict_x0", true, true);
        std::string const type = c.text("solver_type", "bh2");
        if (type == "bh1") c.refuse("solver_type", "bh2");
        if (json const* none = c.find("disable_corrector"); none && !none->empty()) c.refuse("disable_corrector", "[]");
        return p;
    }
    std::string const type = c.text("algorithm_type", "dpmsolver++");
    bool const sde = type == "sde-dpmsolver++";
    if (!sde && type != "dpmsolver++") c.refuse("algorithm_type", "dpmsolver++ or sde-dpmsolver++");
    if (sde && order == 3) c.refuse("solver_order", "1 or 2 for sde-dpmsolver++");
    p.options.sampler = sde ? sampler::dpmpp_2m_sde : sampler::dpmpp_2m;
    p.options.eta = sde;
    p.options.midpoint = c.text("solver_type", "midpoint") != "heun";
    return p;
}

// DDIM, PNDM and LCM know no σ: they go from a timestep to an earlier one, and from below 0 to the end.
plan plan_by_timestep(configuration const& c, kind k, diffusers_options const& o) {
    c.require_flag("clip_sample", false, k == kind::ddim);
    c.require_flag("thresholding", false, false);
    noise_table const table = table_of(c, k);
    noise_level const last = c.flag("set_alpha_to_one", k != kind::pndm)
                                 ? noise_level{1, 0}
                                 : level_at(space::unit_variance, table.sigma_min());
    auto const level = [&](double t) {
        if (t >= trained_steps) fail("{}: {} steps reach timestep {}: choose fewer steps", c.name, o.steps, t);
        return t < 0 ? last : level_at(space::unit_variance, table.sigmas[std::size_t(t)]);
    };
    plan p{.path = {.space = space::unit_variance, .prediction = prediction_of(c), .steps = {}}, .options = {}, .sigmas = {}};
    auto& steps = p.path.steps;

    if (k == kind::lcm) {
        auto const timesteps =
            lcm_timesteps(o.steps, c.whole("original_inference_steps", 50, 1, trained_steps));
        for (std::size_t i = 0; i < timesteps.size(); ++i)
            steps.push_back({.timestep = timesteps[i],
                             .from = level(timesteps[i]),
                             .to = i + 1 < timesteps.size() ? level(timesteps[i + 1]) : noise_level{1, 0}});
        p.options = {.sampler = sampler::lcm, .orders = {}, .timestep_scaling = c.number("timestep_scaling", 10)};
        return p;
    }
    int const stride = trained_steps / o.steps;
    for (double t : spaced_timesteps(c, o.steps, false, "leading")) {
        t = std::nearbyint(t);
        steps.push_back({.timestep = t, .from = level(t), .to = level(t - stride)});
    }
    if (k == kind::ddim) {
        p.options = {.sampler = sampler::ddim, .eta = o.eta, .orders = {}};
        return p;
    }
    c.require_flag("skip_prk_steps", true, false);
    p.options.sampler = sampler::plms;
    if (steps.size() > 1) {
        double const t = steps[1].timestep;
        steps.insert(steps.begin() + 1, path_step{.timestep = t, .from = level(t + stride), .to = level(t)});
    }
    return p;
}

plan plan_flow_euler(configuration const& c, int steps) {
    for (char const* key : {"use_dynamic_shifting", "invert_sigmas", "stochastic_sampling"})
        c.require_flag(key, false, false);
    if (c.find("shift_terminal")) c.refuse("shift_terminal", "null");
    noise_table const table = flow_table(c.number("shift", 1));
    auto const rounded = [](double x) { return double(float(x)); };
    spaced s;
    for (double t : evenly(trained_steps * rounded(table.sigma_max()), trained_steps * rounded(table.sigma_min()), steps))
        s.sigmas.push_back(table.sigma_at(t));
    if (sigma_spacing(c) != spacing_of_sigmas::timesteps)
        s.sigmas = spaced_sigmas(c, s.sigmas.front(), s.sigmas.back(), steps);
    for (double x : s.sigmas) s.timesteps.push_back(rounded(rounded(x) * trained_steps));
    s.finish(0);
    return {.path = path_through(s, space::flow, prediction::flow),
            .options = {.sampler = sampler::euler, .orders = {}},
            .sigmas = s.sigmas,
            .whole_timesteps = false};
}

plan make_plan(configuration const& c, diffusers_options const& o) {
    switch (kind const k = kind_of(c.name)) {
    case kind::ddim:
    case kind::pndm:
    case kind::lcm: return plan_by_timestep(c, k, o);
    case kind::dpm_multistep:
    case kind::unipc: return plan_multistep(c, k, o.steps);
    case kind::flow_euler: return plan_flow_euler(c, o.steps);
    default: return plan_in_sigma_space(c, k, o.steps);
    }
}

// Leaves out the first steps. Orders grow anew from there; PLMS's double step is the new first one's.
void shorten(plan& p, int skipped) {
    auto& steps = p.path.steps;
    bool const twice = p.options.sampler == sampler::plms;
    if (twice && steps.size() > 1) steps.erase(steps.begin() + 1);
    steps.erase(steps.begin(), steps.begin() + skipped);
    if (twice && steps.size() > 1) {
        path_step again = steps[0];
        again.timestep = steps[1].timestep;
        steps.insert(steps.begin() + 1, again);
    }
    auto& orders = p.options.orders;
    if (orders.empty()) return;
    orders.erase(orders.begin(), orders.begin() + skipped);
    for (std::size_t i = 0; i < orders.size(); ++i) orders[i] = std::min(orders[i], int(i) + 1);
}

} // namespace

diffusers_run plan_diffusers(std::string_view name, json const& config, diffusers_options const& o) {
    if (!config.is_object()) fail("the configuration of {} must be a JSON object", name);
    if (o.steps < 1 || o.steps > trained_steps) fail("{} takes 1 to {} steps, not {}", name, trained_steps, o.steps);
    int const run = std::min(o.steps, int(o.steps * o.strength));
    if (run < 1) fail("strength {} leaves none of {} steps: choose more steps or more strength", o.strength, o.steps);
    configuration const c{name, config};
    c.whole("num_train_timesteps", trained_steps, trained_steps, trained_steps);
    plan p = make_plan(c, o);

    diffusers_run made{.run = {}, .timesteps = {}, .whole_timesteps = p.whole_timesteps, .sigmas = p.sigmas};
    for (evaluation const& e : follow(p.path, p.options)) made.timesteps.push_back(e.timestep);
    if (run < o.steps) shorten(p, o.steps - run);
    made.run = {.evaluations = follow(p.path, p.options),
                .steps = run,
                .from_image = p.path.steps[0].from,
                .from_noise = p.from_noise};
    return made;
}

} // namespace sfumato
