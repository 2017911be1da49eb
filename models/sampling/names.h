// What samplers and schedulers are called: on the command line and in JSON ("dpmpp_2m", "sgm_uniform"), and for people,
// in dialogs and in A1111's parameters text ("DPM++ 2M", "SGM Uniform").
#pragma once

#include "models/sampling/samplers.h"

#include <optional>
#include <span>
#include <string_view>

namespace sfumato {

template <class T> struct sampling_name {
    T value;
    std::string_view name, display;
};
/// All there are, in the order in which a dialog lists them.
std::span<sampling_name<sampler> const> sampler_names();
std::span<sampling_name<scheduler> const> scheduler_names();

std::string_view name_of(sampler);
std::string_view name_of(scheduler);
std::string_view display_name(sampler);
std::string_view display_name(scheduler);

/// By either name, or by what ComfyUI, A1111 or k-diffusion call it, in any case.
std::optional<sampler> find_sampler(std::string_view);
std::optional<scheduler> find_scheduler(std::string_view);

/// The schedule that goes with a sampler where the user has not chosen one.
scheduler default_scheduler(sampler);

} // namespace sfumato
