// The .yaml files that the original training code has beside its checkpoints (CompVis' and Stability's), as far as they
// say what a network predicts. It is a reader of that one key, not of YAML: mappings in lines of their own, one within
// another by their indentation; whatever is written otherwise says nothing here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sfumato {

inline constexpr std::size_t longest_training_yaml = 1 << 20; // bytes; those of real models have some thousand

/// The value of model: params: parameterization:, without its quotes: "v", "eps". Nothing where it is not there.
std::optional<std::string> parameterization_in(std::string_view yaml);

} // namespace sfumato
