// PEFT's settings of an adapter: by what the products of a LoRA are multiplied that has no alpha beside its tensors.
#pragma once

#include "models/files/checkpoint.h"

#include <string_view>

namespace sfumato {

class adapter_config {
  public:
    /// From the file's metadata "lora_adapter_metadata", or else adapter_config.json beside it. It is foreign text:
    /// what is of an unknown form is passed over.
    explicit adapter_config(checkpoint const& lora);

    /// alpha / rank, or alpha / √rank where it says so; 1 where it says nothing. `module` as the file spells it.
    double scale_of(std::string_view module, std::int64_t rank) const;

  private:
    nlohmann::json parts_ = nlohmann::json::object(); // by what their modules' names begin with: "unet", ""
};

} // namespace sfumato
