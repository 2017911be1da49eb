#include "models/networks/tensor_shapes.h"

namespace sfumato {

sentence difference(checkpoint const& all, std::string_view prefix, tensor_shapes const& expected) {
    for (auto const& [name, shape] : expected) {
        auto const full = std::string(prefix) + name;
        auto const there = all.find(full);
        if (!there) return say("tensor {} is missing", show_name(full));
        if (there->shape != shape)
            return say("tensor {} is {} where {} was expected", show_name(full), show_shape(*there),
                       show_shape({.type = there->type, .shape = shape}));
        if (stored_type::i64 <= there->type && there->type <= stored_type::boolean)
            return say("tensor {} holds {}, which is no number to compute with", show_name(full), name_of(there->type));
    }
    return {};
}

sentence surplus(checkpoint const& all, std::string_view prefix, tensor_shapes const& expected) {
    for (auto t = all.tensors.lower_bound(prefix); t != all.tensors.end() && t->first.starts_with(prefix); ++t)
        if (!expected.contains(std::string_view(t->first).substr(prefix.size())))
            return say("tensor {} belongs to a part that this family does not have", show_name(t->first));
    return {};
}

} // namespace sfumato
