#include "models/library/built_in.h"

#include "compute/error.h"
#include "models/files/safetensors.h"

#include <algorithm>

namespace sfumato {

checkpoint built_in_checkpoint(std::string_view name) {
    auto const all = built_in_models();
    auto const model = std::ranges::find(all, name, &built_in_model::name);
    if (model == all.end()) {
        std::string known;
        for (auto const& other : all) known += (known.empty() ? "" : ", ") + std::string(other.name);
        fail("Sfumato has no model '{}' of its own; it has {}.", name, known);
    }
    checkpoint c = read_safetensors({nullptr, model->file}, "sfumato:" + std::string(name));
    c.format = "built in";
    c.files.clear(); // they are no files of their own
    return c;
}

} // namespace sfumato
