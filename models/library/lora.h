// LoRAs and their kin: what a file of them is, and what of it belongs to a model.
#pragma once

#include "models/names/weight_patch.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sfumato {

/// What is said of a file by itself.
struct lora_description {
    std::string kinds;  // "LoRA", "LoHa, DoRA"
    std::string family; // of the models that it is for: "Stable Diffusion XL"; empty: not known
    int modules = 0;
    bool runs = true; // false: no module's kind is done (OFT, GLoRA, IA³)
};
/// Nothing: it is no LoRA. The names are the file's own.
std::optional<lora_description> describe_lora(checkpoint const&);

/// A LoRA, as it is added to a model.
struct lora_match {
    std::vector<weight_patch> patches; // of factor 1
    int modules = 0;                   // in the file
    std::vector<std::string>
        left_out; // of these what the model has not or no program here does, as the file spells them
};
/// Throws error: it is no LoRA, of a kind that is not done, or less than half of it is of this model.
lora_match match_lora(std::shared_ptr<checkpoint const> const& lora, checkpoint const& model,
                      std::string const& family_of_model);

} // namespace sfumato
