#include "models/names/migan_names.h"

#include "models/files/prefixes.h"

namespace sfumato {

std::optional<std::string> migan_wrapper_of(checkpoint const& c) {
    constexpr std::string_view first = "encoder.b4.conv1.conv1.weight";
    for (auto const& [name, tensor] : c.tensors) {
        if (!name.ends_with(first)) continue;
        std::string wrapper = name.substr(0, name.size() - first.size());
        bool const whole = wrapper.empty() || wrapper.ends_with('.');
        if (whole && c.find(wrapper + "synthesis.b4.conv1.conv1.weight")) return wrapper;
    }
    return {};
}

std::string migan_name(std::string_view name, std::string_view wrapper) {
    if (!name.starts_with(wrapper) || name.ends_with(".insert_zeros.weight") || name.ends_with(".filter_const"))
        return "";
    name.remove_prefix(wrapper.size());
    bool const is_own = name.starts_with("encoder.") || name.starts_with("synthesis.");
    return is_own ? std::string(migan_prefix) + std::string(name) : "";
}

} // namespace sfumato
