// Training programs put a model's tensors into a dictionary of their own, beside what is none of the model.
#pragma once

#include <array>
#include <string_view>

namespace sfumato {

/// The beginning that the model's tensors have in common, "params_ema." …; none: "". Where a file has several, the
/// averages of training come before its last state, and of two networks that were trained against each other the
/// generator is the model. `tensors`: a map by names, whose order is theirs.
template <class Map> std::string_view wrapper_of(Map const& tensors) {
    constexpr std::array<std::string_view, 13> wrappers = {
        "state_dict.", "model_state_dict.", "params_ema.", "params-ema.", "params.", "g_ema.", "generator_ema.",
        "netG_ema.",   "net_g_ema.",        "generator.",  "netG.",       "net_g.",  "gen."};
    for (std::string_view const wrapper : wrappers)
        if (auto const first = tensors.lower_bound(wrapper);
            first != tensors.end() && first->first.starts_with(wrapper))
            return wrapper;
    return "";
}

} // namespace sfumato
