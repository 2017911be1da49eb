// The samplers and schedulers there are, one row each: what requests and recipes need to know of them. What a
// sampler computes is a function in models/sampling/samplers.cpp, a schedule's levels come from
// models/sampling/schedule.cpp.
#pragma once

#include "request/choices.h"

#include <array>
#include <string_view>

namespace sfumato {

/// As other programs write a name, where more than case and what stands between words differs.
using other_names = std::array<std::string_view, 2>;

struct sampler_row {
    sfumato::sampler value;
    std::string_view name;    // on the command line and in JSON: "dpmpp_2m"
    std::string_view display; // for people, in dialogs and in A1111's parameters text: "DPM++ 2M"
    other_names others = {};
    sfumato::scheduler scheduler = scheduler::normal; // goes with it where the user has not chosen one
    double eta = 0;                // how much of the noise is new in each step where the user does not say; 0 … 1
    int evaluations = 1;           // of the network, in each step but the last to σ = 0, which has one
    bool first_step_twice = false; // one evaluation more
    int order = 1;                 // of how many pictures x0 a step makes use at most; 1: of its own alone
    bool from_pure_noise = true;   // false: it steps along ln(image / noise), so that a flow begins just short of noise
};

/// All there are, in the order of the enum.
// clang-format off
inline constexpr sampler_row sampler_table[] = {
    {.value = sampler::euler, .name = "euler", .display = "Euler"},
    {.value = sampler::euler_a, .name = "euler_a", .display = "Euler a", .others = {"eulerancestral"}, .eta = 1},
    {.value = sampler::heun, .name = "heun", .display = "Heun", .evaluations = 2},
    {.value = sampler::dpmpp_2m, .name = "dpmpp_2m", .display = "DPM++ 2M", .scheduler = scheduler::karras,
     .order = 2, .from_pure_noise = false},
    {.value = sampler::dpmpp_2m_sde, .name = "dpmpp_2m_sde", .display = "DPM++ 2M SDE", .scheduler = scheduler::karras,
     .eta = 1, .order = 2, .from_pure_noise = false},
    {.value = sampler::dpmpp_sde, .name = "dpmpp_sde", .display = "DPM++ SDE", .scheduler = scheduler::karras,
     .eta = 1, .evaluations = 2, .from_pure_noise = false},
    {.value = sampler::dpmpp_3m_sde, .name = "dpmpp_3m_sde", .display = "DPM++ 3M SDE", .scheduler = scheduler::exponential,
     .eta = 1, .order = 3, .from_pure_noise = false},
    {.value = sampler::ddim, .name = "ddim", .display = "DDIM", .scheduler = scheduler::leading},
    {.value = sampler::plms, .name = "plms", .display = "PLMS", .others = {"pndm"}, .scheduler = scheduler::leading,
     .first_step_twice = true},
    {.value = sampler::unipc, .name = "unipc", .display = "UniPC", .others = {"unipcbh2"}, .order = 2, .from_pure_noise = false},
    {.value = sampler::lcm, .name = "lcm", .display = "LCM", .scheduler = scheduler::lcm},
};
// clang-format on

struct scheduler_row {
    sfumato::scheduler value;
    std::string_view name, display; // as of a sampler
    other_names others = {};
};
inline constexpr scheduler_row scheduler_table[] = {
    {scheduler::normal, "normal", "Normal", {"discrete", "uniform"}},
    {scheduler::karras, "karras", "Karras"},
    {scheduler::exponential, "exponential", "Exponential"},
    {scheduler::sgm_uniform, "sgm_uniform", "SGM Uniform"},
    {scheduler::simple, "simple", "Simple"},
    {scheduler::ddim_uniform, "ddim_uniform", "DDIM"},
    {scheduler::beta, "beta", "Beta"},
    {scheduler::ays, "ays", "Align Your Steps", {"alignyoursteps"}},
    {scheduler::leading, "leading", "Leading"},
    {scheduler::trailing, "trailing", "Trailing"},
    {scheduler::linspace, "linspace", "Linspace"},
    {scheduler::lcm, "lcm", "LCM"},
};

constexpr sampler_row const& row_of(sampler s) { return sampler_table[int(s)]; }
constexpr scheduler_row const& row_of(scheduler s) { return scheduler_table[int(s)]; }

} // namespace sfumato
