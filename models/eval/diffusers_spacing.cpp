#include "models/eval/diffusers_spacing.h"

#include "compute/error.h"
#include "models/sampling/beta_quantile.h"
#include "request/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

json const* scheduler_configuration::find(char const* key) const {
    auto const found = keys.find(key);
    return found == keys.end() || found->is_null() ? nullptr : &*found;
}

void scheduler_configuration::refuse(char const* key, std::string_view wanted) const {
    fail("{} with \"{}\": {} is not supported: it must be {}.", name, key, json_show(*find(key)), wanted);
}

double scheduler_configuration::number(char const* key, double otherwise) const {
    json const* value = find(key);
    if (value && !value->is_number()) refuse(key, "a number");
    return value ? value->get<double>() : otherwise;
}

int scheduler_configuration::whole(char const* key, int otherwise, int least, int most) const {
    json const* value = find(key);
    if (!value) return otherwise;
    if (!value->is_number_integer() || *value < least || *value > most)
        refuse(key, std::format("a whole number from {} to {}", least, most));
    return value->get<int>();
}

bool scheduler_configuration::flag(char const* key, bool otherwise) const {
    json const* value = find(key);
    if (value && !value->is_boolean()) refuse(key, "true or false");
    return value ? value->get<bool>() : otherwise;
}

std::string scheduler_configuration::text(char const* key, std::string_view otherwise) const {
    json const* value = find(key);
    if (value && !value->is_string()) refuse(key, "a text");
    return value ? value->get<std::string>() : std::string(otherwise);
}

void scheduler_configuration::require_flag(char const* key, bool only, bool otherwise) const {
    if (flag(key, otherwise) == only) return;
    fail("{} with \"{}\": {} is not supported.", name, key, !only);
}

std::vector<double> spaced_timesteps(scheduler_configuration const& c, int steps, bool further,
                                     std::string_view otherwise) {
    std::string const spacing = c.text("timestep_spacing", otherwise);
    std::vector<double> timesteps;
    if (spacing == "trailing") return trailing_timesteps(steps);
    if (spacing == "leading")
        timesteps = leading_timesteps(steps + further, c.whole("steps_offset", 0, 0, 1000));
    else if (spacing == "linspace")
        timesteps = linspace_timesteps(steps + further);
    else
        c.refuse("timestep_spacing", "leading, trailing or linspace");
    if (further) timesteps.pop_back();
    return timesteps;
}

namespace {

enum class spacing_of_sigmas { timesteps, karras, exponential, beta };

spacing_of_sigmas sigma_spacing(scheduler_configuration const& c) {
    c.require_flag("use_lu_lambdas", false);
    if (c.flag("use_karras_sigmas")) return spacing_of_sigmas::karras;
    if (c.flag("use_exponential_sigmas")) return spacing_of_sigmas::exponential;
    return c.flag("use_beta_sigmas") ? spacing_of_sigmas::beta : spacing_of_sigmas::timesteps;
}

std::vector<double> spaced_sigmas(scheduler_configuration const& c, double high, double low, int steps) {
    high = c.number("sigma_max", high);
    low = c.number("sigma_min", low);
    if (!(high >= low) || !(low > 0)) fail("{} with sigma_min {} and sigma_max {} has no schedule.", c.name, low, high);
    switch (sigma_spacing(c)) {
    case spacing_of_sigmas::karras: return karras_sigmas(high, low, steps);
    case spacing_of_sigmas::exponential: return exponential_sigmas(high, low, steps);
    default: break;
    }
    std::vector<double> sigmas = evenly(0, 1, steps);
    for (double& s : sigmas) s = low + beta_quantile(1 - s, 0.6, 0.6) * (high - low);
    return sigmas;
}

// The last σ, and all in float.
void finish(spaced& s, double last) {
    s.sigmas.push_back(last);
    for (double& x : s.sigmas) x = double(float(x));
}

double last_sigma(scheduler_configuration const& c, double least) {
    std::string const type = c.text("final_sigmas_type", "zero");
    if (type != "zero" && type != "sigma_min") c.refuse("final_sigmas_type", "zero or sigma_min");
    return type == "zero" ? 0 : least;
}

} // namespace

spaced space_in_sigmas(scheduler_configuration const& c, noise_table const& table, int steps) {
    if (c.text("interpolation_type", "linear") != "linear") c.refuse("interpolation_type", "linear");
    if (c.text("timestep_type", "discrete") != "discrete") c.refuse("timestep_type", "discrete");
    auto const as_told = [&](double t) { return c.kind == scheduler_kind::dpm_sde ? t : double(float(t)); };
    spaced s{.timesteps = spaced_timesteps(c, steps, false, "linspace")};
    for (double& t : s.timesteps) s.sigmas.push_back(interpolated_sigma(table, t = as_told(t)));
    if (sigma_spacing(c) != spacing_of_sigmas::timesteps) {
        s.sigmas = spaced_sigmas(c, s.sigmas.front(), s.sigmas.back(), steps);
        std::ranges::transform(s.sigmas, s.timesteps.begin(), [&](double x) { return as_told(table.timestep_of(x)); });
    }
    for (std::size_t i = 0; i + 1 < s.sigmas.size(); ++i)
        s.middle_sigmas.push_back(std::sqrt(s.sigmas[i] * s.sigmas[i + 1]));
    finish(s, c.kind == scheduler_kind::euler ? last_sigma(c, table.sigma_min()) : 0);
    return s;
}

spaced space_for_multistep(scheduler_configuration const& c, noise_table const& table, int steps) {
    spaced s{.timesteps = spaced_timesteps(c, steps, true, "linspace")};
    for (double& t : s.timesteps) s.sigmas.push_back(interpolated_sigma(table, t = std::nearbyint(t)));
    double least = table.sigma_min();
    if (spacing_of_sigmas const spacing = sigma_spacing(c); spacing != spacing_of_sigmas::timesteps) {
        s.sigmas = spaced_sigmas(c, table.sigma_max(), table.sigma_min(), steps);
        if (c.kind == scheduler_kind::unipc) least = s.sigmas.back();
        std::ranges::transform(s.sigmas, s.timesteps.begin(), [&](double x) {
            double const t = table.timestep_of(x);
            return spacing == spacing_of_sigmas::karras ? std::nearbyint(t) : std::trunc(t);
        });
    }
    finish(s, last_sigma(c, least));
    return s;
}

spaced space_on_flow(scheduler_configuration const& c, int steps) {
    if (sigma_spacing(c) != spacing_of_sigmas::timesteps)
        fail("{}: use_flow_sigmas goes with no other spacing.", c.name);
    c.require_flag("use_dynamic_shifting", false);
    noise_table const table = flow_table(c.number("flow_shift", 1));
    bool const unipc = c.kind == scheduler_kind::unipc;
    std::vector<double> const even = unipc ? evenly(1000, 1, steps + 1) : evenly(999, 0, steps + 1);
    spaced s;
    for (int i = 0; i < steps; ++i) s.sigmas.push_back(table.sigma_at(even[std::size_t(i)]));
    if (std::abs(s.sigmas[0] - 1) < 1e-6) s.sigmas[0] -= 1e-6;
    for (double x : s.sigmas) s.timesteps.push_back(std::trunc(x * 1000));
    finish(s, last_sigma(c, s.sigmas.back()));
    return s;
}

spaced space_for_flow_euler(scheduler_configuration const& c, int steps) {
    for (char const* key : {"use_dynamic_shifting", "invert_sigmas", "stochastic_sampling"}) c.require_flag(key, false);
    if (c.find("shift_terminal")) c.refuse("shift_terminal", "null");
    noise_table const table = flow_table(c.number("shift", 1));
    auto const rounded = [](double x) { return double(float(x)); };
    spaced s;
    for (double t : evenly(1000 * rounded(table.sigma_max()), 1000 * rounded(table.sigma_min()), steps))
        s.sigmas.push_back(table.sigma_at(t));
    if (sigma_spacing(c) != spacing_of_sigmas::timesteps)
        s.sigmas = spaced_sigmas(c, s.sigmas.front(), s.sigmas.back(), steps);
    for (double x : s.sigmas) s.timesteps.push_back(rounded(rounded(x) * 1000));
    finish(s, 0);
    return s;
}

} // namespace sfumato
