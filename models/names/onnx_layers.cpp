#include "models/names/onnx_layers.h"

#include "compute/error.h"

#include <algorithm>
#include <array>

namespace sfumato {

namespace {

constexpr std::size_t most_layers = 1024, most_work = 10'000'000; // numbers in all lists together

bool all_are(onnx_node const& node, std::string_view attribute, std::int64_t wanted) {
    auto const found = node.find(attribute);
    return !found || std::ranges::all_of(found->numbers, [&](std::int64_t n) { return n == wanted; });
}

std::int64_t stride_of(onnx_node const& node) {
    auto const found = node.find("strides");
    return found && !found->numbers.empty() ? found->numbers[0] : 1;
}

std::int64_t groups_of(onnx_node const& node) {
    auto const found = node.find("group");
    return found ? found->number : 1;
}

} // namespace

layer_list joined(layer_list const& a, layer_list const& b) {
    layer_list both;
    std::ranges::set_union(a, b, std::back_inserter(both));
    return both;
}

// Sizes of pictures are none of what is computed with them.
layer_list onnx_layers::reached(onnx_node const& node) const {
    layer_list all;
    if (node.op == "Shape" || node.op == "Size") return all;
    for (std::string_view const input : node.inputs)
        if (auto const found = values_.find(input); found != values_.end() && !found->second.empty())
            all = joined(all, found->second);
    return all;
}

std::optional<onnx_layer> onnx_layers::layer_of(onnx_node const& node) const {
    if ((node.op != "Conv" && node.op != "ConvTranspose") || node.inputs.size() < 2) return {};
    bool const has_bias = node.inputs.size() > 2 && !node.inputs[2].empty();
    onnx_layer layer{&node, constant(node.inputs[1]), has_bias ? constant(node.inputs[2]) : nullptr, {}};
    if (!layer.weight || (has_bias && !layer.bias)) return {};
    return layer;
}

// Norms, and constants that are added.
void onnx_layers::note(onnx_node const& node, layer_list const& from) {
    if (node.op == "BatchNormalization" && !node.inputs.empty()) {
        auto const made = makers_.find(node.inputs[0]);
        constexpr std::array sums = {"Conv", "ConvTranspose", "Add"};
        if (made != makers_.end() && std::ranges::find(sums, made->second->op) != sums.end()) norms_[from] = &node;
    }
    if (node.op == "Add")
        for (std::string_view const input : node.inputs)
            if (auto const t = constant(input)) added_.emplace(from, t);
}

onnx_layers::onnx_layers(onnx_graph const& graph, std::string const& source) : graph_(graph) {
    std::size_t work = 0;
    for (onnx_node const& node : graph.nodes) {
        ops_.insert(node.op);
        layer_list result = reached(node);
        if (auto layer = layer_of(node)) {
            layer->from = std::move(result);
            result = {int(layers_.size())};
            layers_.push_back(std::move(*layer));
        } else
            note(node, result);
        work += (1 + node.inputs.size()) * (1 + result.size());
        if (layers_.size() > most_layers || work > most_work)
            fail("'{}' is larger than any network that is known here as ONNX.", source);
        for (std::string_view const output : node.outputs) {
            if (output.empty()) continue; // not wanted
            if (!makers_.emplace(output, &node).second)
                fail("'{}' is damaged: two of its operations have the result {}.", source, show_name(output));
            values_.emplace(output, result);
        }
    }
}

int onnx_layers::find(wanted_layer const& wanted) const {
    auto const is_it = [&](onnx_layer const& layer) {
        onnx_node const& node = *layer.node;
        return node.op == wanted.op && layer.weight->shape == wanted.weight && layer.from == wanted.from &&
               stride_of(node) == wanted.stride && all_are(node, "strides", wanted.stride) &&
               all_are(node, "dilations", 1) && groups_of(node) == wanted.groups;
    };
    auto const found = std::ranges::find_if(layers_, is_it);
    if (found == layers_.end() || std::find_if(found + 1, layers_.end(), is_it) != layers_.end()) return -1;
    return int(found - layers_.begin());
}

onnx_node const* onnx_layers::norm_of(layer_list const& sum) const {
    auto const found = norms_.find(sum);
    return found == norms_.end() ? nullptr : found->second;
}

stored_tensor const* onnx_layers::added_to(layer_list const& sum, std::vector<std::int64_t> const& shape) const {
    auto const [begin, end] = added_.equal_range(sum);
    for (auto at = begin; at != end; ++at)
        if (at->second->shape == shape) return at->second;
    return nullptr;
}

bool onnx_layers::is_reflected(int layer) const {
    onnx_node const& node = *layers_[std::size_t(layer)].node;
    auto const made = makers_.find(node.inputs[0]);
    if (made == makers_.end() || made->second->op != "Pad" || !all_are(node, "pads", 0)) return false;
    auto const mode = made->second->find("mode");
    return mode && mode->text == "reflect";
}

} // namespace sfumato
