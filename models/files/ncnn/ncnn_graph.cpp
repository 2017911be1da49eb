#include "models/files/ncnn/ncnn_graph.h"

#include "compute/error.h"
#include "models/files/checkpoint.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

constexpr std::int64_t picture_size = 256, largest_size = 1 << 16;

std::string_view name_of(ncnn_operation operation) {
    switch (operation) {
    case ncnn_operation::picture: return "picture";
    case ncnn_operation::convolution: return "convolution";
    case ncnn_operation::deconvolution: return "deconvolution";
    case ncnn_operation::dense: return "dense layer";
    case ncnn_operation::prelu: return "PReLU";
    case ncnn_operation::pixel_shuffle: return "pixel shuffle";
    case ncnn_operation::nearest: return "nearest-neighbour resize";
    case ncnn_operation::bicubic: return "bicubic resize";
    case ncnn_operation::sum: return "sum";
    case ncnn_operation::product: return "product";
    case ncnn_operation::concat: return "concatenation";
    case ncnn_operation::mean: return "mean";
    case ncnn_operation::crop: return "crop";
    }
    return "";
}

// What lies nearer to the picture first; a sum's weights go along.
void sort_operands(ncnn_node& n, std::vector<ncnn_node> const& all) {
    bool const wrong = n.operands.size() == 2 && all[n.operands[0]].depth > all[n.operands[1]].depth;
    if (!wrong) return;
    std::ranges::reverse(n.operands);
    std::ranges::reverse(n.settings.weights);
}

bool changes_nothing(ncnn_settings const& s) {
    bool const resizes = s.operation == ncnn_operation::pixel_shuffle || s.operation == ncnn_operation::nearest ||
                         s.operation == ncnn_operation::bicubic;
    return resizes && s.factor == 1;
}

// Channels and size of the result; false: the operands do not fit.
bool infer(ncnn_node& n, std::vector<ncnn_node> const& all) {
    auto const& s = n.settings;
    if (s.operation == ncnn_operation::picture) {
        n.channels = 3;
        n.size = picture_size;
        return true;
    }
    ncnn_node const& first = all[n.operands[0]];
    bool const one_size = std::ranges::all_of(n.operands, [&](int operand) { return all[operand].size == first.size; });
    n.channels = first.channels;
    n.size = first.size;
    switch (s.operation) {
    case ncnn_operation::picture: break;
    case ncnn_operation::convolution:
        n.channels = s.outputs;
        n.size = (first.size + 2 * s.padding - s.kernel) / s.stride + 1;
        return first.size + 2 * s.padding >= s.kernel;
    case ncnn_operation::deconvolution:
        n.channels = s.outputs;
        n.size = (first.size - 1) * s.stride + s.kernel - 2 * s.padding;
        break;
    case ncnn_operation::dense: n.channels = s.outputs; return first.size == 1;
    case ncnn_operation::prelu: return s.outputs == first.channels;
    case ncnn_operation::pixel_shuffle: {
        auto const factor = std::int64_t(s.factor);
        n.channels = first.channels / (factor * factor);
        n.size = first.size * factor;
        return first.channels % (factor * factor) == 0;
    }
    case ncnn_operation::nearest:
    case ncnn_operation::bicubic: n.size = std::int64_t(float(first.size) * s.factor); break;
    case ncnn_operation::sum: return one_size && first.channels == all[n.operands[1]].channels;
    case ncnn_operation::product: {
        ncnn_node const &a = first, &b = all[n.operands[1]];
        n.size = std::max(a.size, b.size);
        return a.channels == b.channels && std::min(a.size, b.size) == 1;
    }
    case ncnn_operation::concat:
        n.channels = 0;
        for (int operand : n.operands) n.channels += all[operand].channels;
        return one_size;
    case ncnn_operation::mean: n.size = 1; break;
    case ncnn_operation::crop: n.size = first.size - 2 * std::int64_t(s.factor); break;
    }
    return true;
}

} // namespace

std::string show(ncnn_settings const& s) {
    std::string text(name_of(s.operation));
    if (s.outputs && s.operation != ncnn_operation::prelu) text += std::format(" to {} channels", s.outputs);
    if (s.kernel) text += std::format(", kernel {}, stride {}, padding {}", s.kernel, s.stride, s.padding);
    if (s.factor != 0) text += std::format(" by {}", s.factor);
    for (float weight : s.weights) text += std::format(" · {}", weight);
    switch (s.activation) {
    case ncnn_activation::none: break;
    case ncnn_activation::relu: text += ", ReLU"; break;
    case ncnn_activation::leaky_relu: text += std::format(", leaky ReLU of {}", s.slope); break;
    case ncnn_activation::sigmoid: text += ", sigmoid"; break;
    }
    return text;
}

bool ncnn_node::has_weights() const {
    return settings.operation == ncnn_operation::convolution || settings.operation == ncnn_operation::deconvolution ||
           settings.operation == ncnn_operation::dense || settings.operation == ncnn_operation::prelu;
}

std::int64_t ncnn_node::weight_count(std::vector<ncnn_node> const& all) const {
    if (settings.operation == ncnn_operation::prelu) return settings.outputs;
    std::int64_t const kernel = std::max(1, settings.kernel);
    return settings.outputs * all[operands[0]].channels * kernel * kernel;
}

int ncnn_graph::add(ncnn_settings settings, std::vector<int> operands, std::string name, std::string const& source) {
    if (changes_nothing(settings)) return operands[0];
    ncnn_node n{.settings = std::move(settings), .operands = std::move(operands), .name = std::move(name)};
    for (int operand : n.operands) n.depth = std::max(n.depth, nodes[operand].depth + 1);
    if (n.settings.operation == ncnn_operation::sum || n.settings.operation == ncnn_operation::product)
        sort_operands(n, nodes);
    bool const fits =
        infer(n, nodes) && 1 <= n.channels && n.channels <= largest_size && 1 <= n.size && n.size <= largest_size;
    if (!fits)
        fail("'{}' is damaged: what layer {} computes ({}) does not fit what it is given.", source, show_name(n.name),
             show(n.settings));
    nodes.push_back(std::move(n));
    return int(nodes.size()) - 1;
}

} // namespace sfumato
