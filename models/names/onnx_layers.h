// An ONNX graph as a network of convolutions: which there are, and which of them the input of each comes from, whatever
// lies between and whatever they are called. That tells networks apart, and their layers, when names are lost.
#pragma once

#include "models/files/onnx.h"

#include <map>
#include <set>

namespace sfumato {

/// Numbers of layers, in order.
using layer_list = std::vector<int>;
layer_list joined(layer_list const&, layer_list const&);

struct onnx_layer {
    onnx_node const* node;
    stored_tensor const* weight;
    stored_tensor const* bias; // null: none
    layer_list from; // whose results reach its input without another layer between; none: it sees the model's input
};

/// What a layer is looked for by.
struct wanted_layer {
    std::vector<std::int64_t> weight;
    layer_list from;
    std::string_view op = "Conv"; // or "ConvTranspose"
    int stride = 1, groups = 1;
};

class onnx_layers {
  public:
    /// The graph outlives it. Throws error: larger than any network here, or a value that two operations make.
    onnx_layers(onnx_graph const&, std::string const& source);

    std::vector<onnx_layer> const& all() const { return layers_; }
    /// −1: there is none, or more than one.
    int find(wanted_layer const&) const;

    /// The batch norm of the sum of these layers' results; null: none.
    onnx_node const* norm_of(layer_list const& sum) const;
    /// The constant of this shape that is added to that sum; null: none.
    stored_tensor const* added_to(layer_list const& sum, std::vector<std::int64_t> const& shape) const;
    stored_tensor const* constant(std::string_view name) const { return graph_.constant(name); }

    bool has(std::string_view op) const { return ops_.contains(op); }
    /// Whether what it sees was padded by reflection.
    bool is_reflected(int layer) const;

  private:
    layer_list reached(onnx_node const&) const;
    std::optional<onnx_layer> layer_of(onnx_node const&) const;
    void note(onnx_node const&, layer_list const& from);

    onnx_graph const& graph_;
    std::vector<onnx_layer> layers_;
    std::map<std::string_view, onnx_node const*> makers_; // of values
    std::map<std::string_view, layer_list> values_;       // the layers that reach them
    std::map<layer_list, onnx_node const*> norms_;
    std::multimap<layer_list, stored_tensor const*> added_;
    std::set<std::string_view> ops_;
};

} // namespace sfumato
