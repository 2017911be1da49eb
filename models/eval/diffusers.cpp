#include "models/eval/diffusers.h"

#include "compute/error.h"
#include "models/eval/diffusers_spacing.h"
#include "models/sampling/path.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace sfumato {

using kind = scheduler_kind;
using configuration = scheduler_configuration;

namespace {

constexpr int trained_steps = 1000;

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
    fail("The scheduler {} is not supported; there are: {}.", name, list);
}

prediction prediction_of(configuration const& c) {
    std::string const type = c.text("prediction_type", "epsilon");
    if (type == "epsilon") return prediction::epsilon;
    if (type == "v_prediction") return prediction::v;
    c.refuse("prediction_type", "epsilon or v_prediction");
}

noise_table table_of(configuration const& c) {
    bool const by_index = c.kind == kind::ddim || c.kind == kind::pndm || c.kind == kind::lcm;
    bool const as_stable_diffusion = c.kind == kind::heun || c.kind == kind::dpm_sde || c.kind == kind::lcm;
    std::string const betas = c.text("beta_schedule", c.kind == kind::lcm ? "scaled_linear" : "linear");
    if (betas != "scaled_linear" && betas != "linear") c.refuse("beta_schedule", "scaled_linear or linear");
    if (c.find("trained_betas")) c.refuse("trained_betas", "null");
    double const first = c.number("beta_start", as_stable_diffusion ? 0.00085 : 0.0001);
    double const last = c.number("beta_end", as_stable_diffusion ? 0.012 : 0.02);
    if (!(first > 0 && first <= last && last < 1))
        fail("{} with beta_start {} and beta_end {} is no noise schedule.", c.name, first, last);
    return diffusion_table({.beta_start = first,
                            .beta_end = last,
                            .scaled_linear = betas == "scaled_linear",
                            .zero_terminal_snr = c.flag("rescale_betas_zero_snr"),
                            .terminal_snr = by_index ? 0 : 0x1p-24});
}

// What a class makes of a configuration: where its path leads, how it is followed, and what it tells about itself.
struct scheme {
    sampling_path path;
    path_options options{};
    double from_noise = 1;
    std::vector<double> sigmas{};
    bool whole_timesteps = true;
};

sampling_path path_through(spaced const& s, space kept, prediction p) {
    sampling_path path{.space = kept, .prediction = p, .steps = {}};
    for (std::size_t i = 0; i < s.timesteps.size(); ++i)
        path.steps.push_back({.timestep = s.timesteps[i],
                              .middle_timestep = 0,
                              .from = level_at(kept, s.sigmas[i]),
                              .to = level_at(kept, s.sigmas[i + 1])});
    return path;
}

// σ0 σ1 σ1 σ2 σ2 … of two evaluations a step.
std::vector<double> doubled(std::vector<double> const& sigmas) {
    std::vector<double> doubled;
    for (std::size_t i = 0; i < sigmas.size(); ++i)
        doubled.insert(doubled.end(), i == 0 || i + 1 == sigmas.size() ? 1 : 2, sigmas[i]);
    return doubled;
}

// Euler, Euler a, Heun, DPM++ SDE.
scheme scheme_in_sigmas(configuration const& c, int steps) {
    c.require_flag("clip_sample", false);
    noise_table const table = table_of(c);
    spaced const s = space_in_sigmas(c, table, steps);
    scheme made{.path = path_through(s, space::sigma, prediction_of(c)), .sigmas = s.sigmas, .whole_timesteps = false};
    for (std::size_t i = 0; i < s.middle_sigmas.size(); ++i)
        made.path.steps[i].middle_timestep = table.timestep_of(s.middle_sigmas[i]);
    if (c.kind == kind::heun || c.kind == kind::dpm_sde) made.sigmas = doubled(s.sigmas);
    made.options.sampler = c.kind == kind::euler     ? sampler::euler
                           : c.kind == kind::euler_a ? sampler::euler_a
                           : c.kind == kind::heun    ? sampler::heun
                                                     : sampler::dpmpp_sde;
    made.options.eta = row_of(made.options.sampler).eta;
    double const most = s.sigmas.front();
    made.from_noise = c.text("timestep_spacing", "linspace") == "leading" ? std::hypot(most, 1) : most;
    return made;
}

int dpm_order(configuration const& c, int i, int steps, bool to_zero) {
    int const order = std::min(c.whole("solver_order", 2, 1, 3), i + 1), left = steps - i;
    bool const fewer = c.flag("lower_order_final", true) && steps < 15;
    if (left == 1 && (to_zero || fewer || c.flag("euler_at_final"))) return 1;
    return left == 2 && fewer ? std::min(order, 2) : order;
}

void read_dpm(configuration const& c, path_options& o) {
    std::string const type = c.text("algorithm_type", "dpmsolver++");
    bool const sde = type == "sde-dpmsolver++";
    if (!sde && type != "dpmsolver++") c.refuse("algorithm_type", "dpmsolver++ or sde-dpmsolver++");
    // Third order with noise has a wrong sign there.
    if (sde && c.whole("solver_order", 2, 1, 3) == 3) c.refuse("solver_order", "1 or 2 for sde-dpmsolver++");
    o.sampler = sde ? sampler::dpmpp_2m_sde : sampler::dpmpp_2m;
    o.eta = sde;
    o.midpoint = c.text("solver_type", "midpoint") != "heun";
}

int unipc_order(configuration const& c, int i, int steps, bool to_zero) {
    int const order = std::min(c.whole("solver_order", 2, 1, 3), i + 1);
    if (c.flag("lower_order_final", true)) return std::min(order, steps - i);
    if (to_zero) c.refuse("lower_order_final", "true where the last sigma is zero");
    return order;
}

void read_unipc(configuration const& c, path_options& o) {
    c.require_flag("predict_x0", true, true);
    if (c.text("solver_type", "bh2") == "bh1") c.refuse("solver_type", "bh2");
    if (auto const* none = c.find("disable_corrector"); none && !none->empty()) c.refuse("disable_corrector", "[]");
    o.sampler = sampler::unipc;
}

// DPM-Solver and UniPC.
scheme scheme_of_multistep(configuration const& c, int steps) {
    c.require_flag("thresholding", false);
    if (c.find("lambda_min_clipped")) c.refuse("lambda_min_clipped", "null, for no limit");
    bool const flow = c.flag("use_flow_sigmas");
    if (flow && c.text("prediction_type", "epsilon") != "flow_prediction")
        c.refuse("use_flow_sigmas", "with prediction_type flow_prediction");
    spaced const s = flow ? space_on_flow(c, steps) : space_for_multistep(c, table_of(c), steps);
    scheme made{
        .path = path_through(s, flow ? space::flow : space::unit_variance, flow ? prediction::flow : prediction_of(c)),
        .sigmas = s.sigmas};
    bool const unipc = c.kind == kind::unipc;
    (unipc ? read_unipc : read_dpm)(c, made.options);
    for (int i = 0; i < steps; ++i)
        made.options.orders.push_back((unipc ? unipc_order : dpm_order)(c, i, steps, s.sigmas.back() == 0));
    return made;
}

scheme scheme_of_flow_euler(configuration const& c, int steps) {
    spaced const s = space_for_flow_euler(c, steps);
    return {.path = path_through(s, space::flow, prediction::flow), .sigmas = s.sigmas, .whole_timesteps = false};
}

// DDIM, PNDM and LCM know no σ: they go from a timestep to an earlier one, and from below 0 to the end.
struct timestep_levels {
    noise_table table;
    noise_level last;

    explicit timestep_levels(configuration const& c)
        : table(table_of(c)), last(c.flag("set_alpha_to_one", c.kind != kind::pndm) ? noise_level{1, 0} : at(0)) {}

    noise_level at(double t) const {
        return t < 0 ? last : level_at(space::unit_variance, table.sigmas.at(std::size_t(t)));
    }
};

scheme scheme_of_lcm(configuration const& c, int steps) {
    timestep_levels const levels(c);
    auto const timesteps = lcm_timesteps(steps, c.whole("original_inference_steps", 50, 1, trained_steps));
    scheme made{.path = {.space = space::unit_variance, .prediction = prediction_of(c), .steps = {}}};
    for (std::size_t i = 0; i < timesteps.size(); ++i)
        made.path.steps.push_back({.timestep = timesteps[i],
                                   .from = levels.at(timesteps[i]),
                                   .to = i + 1 < timesteps.size() ? levels.at(timesteps[i + 1]) : noise_level{1, 0}});
    made.options.sampler = sampler::lcm;
    made.options.timestep_scaling = c.number("timestep_scaling", 10);
    return made;
}

// DDIM and PNDM: a step is ⌊1000 / steps⌋ timesteps long, whatever the distance to the next one.
scheme scheme_by_stride(configuration const& c, diffusers_options const& o) {
    timestep_levels const levels(c);
    scheme made{.path = {.space = space::unit_variance, .prediction = prediction_of(c), .steps = {}}};
    auto& steps = made.path.steps;
    int const stride = trained_steps / o.steps;
    for (double t : spaced_timesteps(c, o.steps, false, "leading")) {
        t = std::nearbyint(t);
        if (t >= trained_steps) fail("{}: {} steps reach timestep {}: choose fewer steps.", c.name, o.steps, t);
        steps.push_back({.timestep = t, .from = levels.at(t), .to = levels.at(t - stride)});
    }
    if (c.kind == kind::ddim) {
        made.options.sampler = sampler::ddim;
        made.options.eta = o.eta;
        return made;
    }
    c.require_flag("skip_prk_steps", true);
    made.options.sampler = sampler::plms;
    made.options.plms_keeps_v = true;
    if (steps.size() > 1) {
        double const t = steps[1].timestep;
        steps.insert(steps.begin() + 1, path_step{.timestep = t, .from = levels.at(t + stride), .to = levels.at(t)});
    }
    return made;
}

scheme make_scheme(configuration const& c, diffusers_options const& o) {
    switch (c.kind) {
    case kind::ddim:
    case kind::pndm:
    case kind::lcm:
        c.require_flag("clip_sample", false, c.kind == kind::ddim);
        c.require_flag("thresholding", false);
        return c.kind == kind::lcm ? scheme_of_lcm(c, o.steps) : scheme_by_stride(c, o);
    case kind::dpm_multistep:
    case kind::unipc: return scheme_of_multistep(c, o.steps);
    case kind::flow_euler: return scheme_of_flow_euler(c, o.steps);
    default: return scheme_in_sigmas(c, o.steps);
    }
}

// Of what strength leaves, the pipelines of Stable Diffusion 3 run a step that has begun, and those of the others do
// not.
int steps_left(kind k, diffusers_options const& o) {
    double const left = std::min(double(o.steps), o.steps * o.strength);
    return k == kind::flow_euler ? o.steps - int(o.steps - left) : int(left);
}

// Leaves out the first steps. Orders grow anew from there; PLMS's double step is the new first one's.
void shorten(scheme& s, int skipped) {
    auto& steps = s.path.steps;
    bool const twice = s.options.sampler == sampler::plms;
    if (twice && steps.size() > 1) steps.erase(steps.begin() + 1);
    steps.erase(steps.begin(), steps.begin() + skipped);
    if (twice) repeat_first_step(s.path);
    auto& orders = s.options.orders;
    if (orders.empty()) return;
    orders.erase(orders.begin(), orders.begin() + skipped);
    for (std::size_t i = 0; i < orders.size(); ++i) orders[i] = std::min(orders[i], int(i) + 1);
}

} // namespace

diffusers_run plan_diffusers(std::string_view name, nlohmann::json const& config, diffusers_options const& o) {
    if (!config.is_object()) fail("The configuration of {} must be a JSON object.", name);
    if (o.steps < 1 || o.steps > trained_steps) fail("{} takes 1 to {} steps, not {}.", name, trained_steps, o.steps);
    configuration const c{name, kind_of(name), config};
    int const run = steps_left(c.kind, o);
    if (run < 1) fail("Strength {} leaves none of {} steps: choose more steps or more strength.", o.strength, o.steps);
    c.whole("num_train_timesteps", trained_steps, trained_steps, trained_steps);
    scheme s = make_scheme(c, o);

    diffusers_run made{.run = {}, .timesteps = {}, .whole_timesteps = s.whole_timesteps, .sigmas = s.sigmas};
    for (evaluation const& e : follow(s.path, s.options)) made.timesteps.push_back(e.timestep);
    if (run < o.steps) shorten(s, o.steps - run);
    made.run = {.evaluations = follow(s.path, s.options),
                .steps = run,
                .from_image = s.path.steps[0].from,
                .from_noise = s.from_noise};
    return made;
}

} // namespace sfumato
