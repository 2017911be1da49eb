// What diffusers' scheduler configurations say, key by key, and the timesteps and sigmas that follow from them.
#pragma once

#include "models/sampling/schedule.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

enum class scheduler_kind { ddim, pndm, euler, euler_a, heun, dpm_multistep, dpm_sde, unipc, lcm, flow_euler };

/// A class of diffusers and its configuration. Reading throws error: a value of the wrong type.
struct scheduler_configuration {
    std::string_view name;
    scheduler_kind kind;
    nlohmann::json const& keys;

    /// Null where the key is missing or null.
    nlohmann::json const* find(char const* key) const;
    double number(char const* key, double otherwise) const;
    int whole(char const* key, int otherwise, int least, int most) const;
    bool flag(char const* key, bool otherwise = false) const;
    std::string text(char const* key, std::string_view otherwise) const;

    /// Throws error: it must be `wanted`.
    [[noreturn]] void refuse(char const* key, std::string_view wanted) const;
    /// Throws error unless the flag is `only`.
    void require_flag(char const* key, bool only, bool otherwise = false) const;
};

/// timestep_spacing; whole numbers, but for linspace. `further`: DPM-Solver and UniPC space one more than they take.
std::vector<double> spaced_timesteps(scheduler_configuration const&, int steps, bool further,
                                     std::string_view otherwise);

/// Timesteps, and σ at each and at the end, the latter rounded to float as diffusers keeps it.
struct spaced {
    std::vector<double> timesteps{};     // [n]
    std::vector<double> sigmas{};        // [n + 1]
    std::vector<double> middle_sigmas{}; // [n − 1] halfway in ln σ: for DPM++ SDE
};
/// Of Euler, Euler a, Heun and DPM++ SDE.
spaced space_in_sigmas(scheduler_configuration const&, noise_table const&, int steps);
/// Of DPM-Solver and UniPC.
spaced space_for_multistep(scheduler_configuration const&, noise_table const&, int steps);
/// Of DPM-Solver and UniPC on flows (use_flow_sigmas).
spaced space_on_flow(scheduler_configuration const&, int steps);
/// Of flow matching's own Euler.
spaced space_for_flow_euler(scheduler_configuration const&, int steps);

} // namespace sfumato
