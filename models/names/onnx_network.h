// Takes one network's tensors out of an ONNX graph, layer by layer.
#pragma once

#include "compute/error.h"
#include "models/files/made_tensor.h"
#include "models/names/onnx_layers.h"

namespace sfumato {

struct onnx_network {
    onnx_layers const& layers;
    std::string const& source;
    std::string_view network; // "LaMa", for messages
    std::string prefix;       // of its tensors
    decltype(checkpoint::tensors) tensors{};
    std::set<int> used{};

    [[noreturn]] void refuse(sentence const& what) const {
        fail("'{}' looks like an ONNX export of {}, but {}: choose another export.", source, network, what);
    }

    void put(std::string const& name, stored_tensor tensor) { tensors.emplace(prefix + name, std::move(tensor)); }

    /// The layer of that name; its weight is put. Throws error where there is none.
    int need(std::string const& name, wanted_layer const& wanted) {
        int const found = layers.find(wanted);
        if (found < 0) refuse(say("its layer {} is missing, or is another", show_name(name)));
        onnx_layer const& layer = layers.all()[std::size_t(found)];
        if (!has_numbers(*layer.weight)) refuse(say("the numbers of its layer {} are not f32 or f16", show_name(name)));
        used.insert(found);
        put(name + ".weight", *layer.weight);
        return found;
    }

    stored_tensor const* bias_of(int layer) const {
        stored_tensor const* const bias = layers.all()[std::size_t(layer)].bias;
        if (bias && !has_numbers(*bias)) refuse(say("the numbers of a bias are not f32 or f16"));
        return bias;
    }
    void need_bias(std::string const& name, int layer) {
        if (!bias_of(layer)) refuse(say("its layer {} has no bias", show_name(name)));
        put(name + ".bias", *bias_of(layer));
    }

    /// All layers are the network's, but for those that see nothing but a mask: exports may soften it.
    void expect_no_more() const {
        int others = 0;
        for (std::size_t i = 0; i < layers.all().size(); ++i) {
            onnx_layer const& layer = layers.all()[i];
            auto const& s = layer.weight->shape;
            bool const of_mask = layer.from.empty() && s.size() == 4 && s[0] == 1 && s[1] == 1;
            others += !used.contains(int(i)) && !of_mask;
        }
        if (others > 0) refuse(say("{} of its {} layers belong to something else", others, layers.all().size()));
    }
    /// None of these operations is there.
    void expect_none(std::initializer_list<std::string_view> ops) const {
        for (std::string_view const op : ops)
            if (layers.has(op)) refuse(say("it computes {}, which {} does not", op, network));
    }
};

/// Of the layer that sees the model's input, picture and mask, with kernels of this size; 0: there is none.
inline int channels_of_first(onnx_layers const& layers, std::int64_t kernel) {
    for (onnx_layer const& layer : layers.all()) {
        auto const& s = layer.weight->shape;
        if (layer.from.empty() && s.size() == 4 && s[0] <= 4096 && s[1] == 4 && s[2] == kernel && s[3] == kernel)
            return int(s[0]);
    }
    return 0;
}

/// Whether the first layer is this network's; the tensors by our names. `source`: for messages.
bool begins_as_lama(onnx_layers const&);
decltype(checkpoint::tensors) lama_of(onnx_layers const&, std::string const& source);
bool begins_as_migan(onnx_layers const&);
decltype(checkpoint::tensors) migan_of(onnx_layers const&, std::string const& source);

} // namespace sfumato
