#include "models/names/lama_names.h"

#include "models/files/prefixes.h"

namespace sfumato {

std::optional<std::string> lama_wrapper_of(checkpoint const& c) {
    std::string const first = std::string(lama_prefix) + "1.ffc.convl2l.weight";
    for (auto const& [name, tensor] : c.tensors)
        if (name == first || name.ends_with("." + first)) return name.substr(0, name.size() - first.size());
    return {};
}

std::string_view lama_name(std::string_view name, std::string_view wrapper) {
    if (!name.starts_with(wrapper) || name.ends_with(".num_batches_tracked")) return "";
    name.remove_prefix(wrapper.size());
    return name.starts_with(lama_prefix) ? name : "";
}

} // namespace sfumato
