// The tensors of one network among those of a checkpoint, to read its sizes from.
#pragma once

#include "models/files/checkpoint.h"

#include <format>

namespace sfumato {

/// Asked by format.
struct network_tensors {
    checkpoint const& all;
    std::string_view prefix;

    template <class... Args> stored_tensor const* find(std::format_string<Args...> name, Args&&... args) const {
        return all.find(std::string(prefix) + std::format(name, std::forward<Args>(args)...));
    }

    /// Extent `axis` of a tensor's shape; 0 where there is none, or one that no model
    /// has: arithmetic with those of damaged files stays within int.
    template <class... Args> int extent(std::size_t axis, std::format_string<Args...> name, Args&&... args) const {
        auto const t = find(name, std::forward<Args>(args)...);
        constexpr std::int64_t largest_extent = 1 << 20;
        bool const there = t && axis < t->shape.size() && t->shape[axis] <= largest_extent;
        return there ? int(t->shape[axis]) : 0;
    }
};

/// How many of NAME.0.ending, NAME.1.ending … are there.
inline int count(network_tensors const& n, std::string const& name, std::string_view ending, int most) {
    int number = 0;
    while (number < most && n.find("{}.{}.{}", name, number, ending)) ++number;
    return number;
}

} // namespace sfumato
