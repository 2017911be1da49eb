// What choices are called: on the command line and in JSON ("dpmpp_2m", "sgm_uniform"), and for people, in dialogs and
// in A1111's parameters text ("DPM++ 2M", "SGM Uniform").
#pragma once

#include "compute/tensor.h"
#include "request/choices.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace sfumato {

template <class T> struct named_choice {
    T value;
    std::string_view name;
    std::string_view display{};             // of samplers and schedulers
    std::array<std::string_view, 2> also{}; // what other programs call it
};

/// All that can be chosen, in the order of the enum.
template <class T> std::span<named_choice<T> const> choices();
template <> std::span<named_choice<operation> const> choices();
template <> std::span<named_choice<method> const> choices();
template <> std::span<named_choice<context> const> choices();
template <> std::span<named_choice<source> const> choices();
template <> std::span<named_choice<prediction> const> choices(); // those that a user can choose
template <> std::span<named_choice<generator> const> choices();
template <> std::span<named_choice<sampler> const> choices();
template <> std::span<named_choice<scheduler> const> choices();
template <> std::span<named_choice<quality> const> choices();
template <> std::span<named_choice<mask_cells> const> choices();
template <> std::span<named_choice<strength_rule> const> choices();
template <> std::span<named_choice<dtype> const> choices();

template <class T>
    requires std::is_enum_v<T>
named_choice<T> const& named(T value) {
    auto const all = choices<T>();
    auto const found = std::ranges::find(all, value, &named_choice<T>::value);
    assert(found != all.end());
    return *found;
}
template <class T>
    requires std::is_enum_v<T>
std::string_view name_of(T value) {
    return named(value).name;
}
template <class T>
    requires std::is_enum_v<T>
std::string_view display_name(T value) {
    return named(value).display;
}

/// Whether two names differ at most in case and in what stands between words; "++" is "pp".
bool same_name(std::string_view, std::string_view);

/// By any of its names.
template <class T> std::optional<T> find_choice(std::string_view text) {
    for (named_choice<T> const& c : choices<T>())
        if (same_name(text, c.name) || same_name(text, c.display) || same_name(text, c.also[0]) ||
            same_name(text, c.also[1]))
            return c.value;
    return {};
}

} // namespace sfumato
