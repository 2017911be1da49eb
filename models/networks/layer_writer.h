// How the lists of a network's tensors are written down.
#pragma once

#include "models/networks/tensor_shapes.h"

namespace sfumato {

/// Puts layers into a list of tensors, by their names: .weight and .bias
struct layer_writer {
    tensor_shapes& list;

    void weight(std::string const& name, std::vector<std::int64_t> shape) { list[name + ".weight"] = std::move(shape); }
    void bias(std::string const& name, std::int64_t size) { list[name + ".bias"] = {size}; }
    void linear(std::string const& name, std::int64_t out, std::int64_t in) {
        weight(name, {out, in});
        bias(name, out);
    }
    void conv(std::string const& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
        weight(name, {out, in, kernel, kernel});
        bias(name, out);
    }
    /// The other way round: [in, out, kernel, kernel].
    void transposed_conv(std::string const& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
        weight(name, {in, out, kernel, kernel});
        bias(name, out);
    }
    void norm(std::string const& name, std::int64_t channels) {
        weight(name, {channels});
        bias(name, channels);
    }
};

} // namespace sfumato
