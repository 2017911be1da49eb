#include "models/names/ncnn_names.h"

#include "compute/error.h"
#include "models/files/ncnn/ncnn_layers.h"
#include "models/files/ncnn/ncnn_weights.h"
#include "models/networks/upscaler.h"

#include <cstring>
#include <format>

namespace sfumato {

namespace {

// ---- Comparison with a network

// The node of the file for each node of the network. Both have one output, so that from there every node is reached.
std::vector<int> match(ncnn_graph const& file, ncnn_graph const& network, std::string const& name,
                       std::string const& source) {
    std::vector<int> partners(network.nodes.size(), -1), taken(file.nodes.size(), -1);
    std::vector<std::pair<int, int>> open = {{file.output, network.output}};
    while (!open.empty()) {
        auto const [f, n] = open.back();
        open.pop_back();
        if (partners[n] == f && taken[f] == n) continue;
        ncnn_node const &there = file.nodes[f], &expected = network.nodes[n];
        bool const same = partners[n] < 0 && taken[f] < 0 && there.settings == expected.settings &&
                          there.operands.size() == expected.operands.size();
        if (!same)
            fail("'{}' is not {}, although it is most like it: layer {} is a {} where a {} was expected{}.", source,
                 name, show_name(there.name), show(there.settings), show(expected.settings),
                 there.settings == expected.settings ? say(" of something else") : sentence());
        partners[n] = f;
        taken[f] = n;
        for (std::size_t i = 0; i < there.operands.size(); ++i)
            open.push_back({there.operands[i], expected.operands[i]});
    }
    return partners;
}

// ---- Tensors

// [out, in, k, k] in the file → [in, out, k, k]
stored_tensor transposed(stored_tensor const& t) {
    auto const out = std::size_t(t.shape[0]), in = std::size_t(t.shape[1]);
    stored_tensor result{.type = t.type, .shape = {t.shape[1], t.shape[0], t.shape[2], t.shape[3]}};
    result.make = [from = t.mapped, out, in](std::span<std::byte> to) {
        std::size_t const kernel = from.size() / (out * in);
        for (std::size_t o = 0; o < out; ++o)
            for (std::size_t i = 0; i < in; ++i)
                std::memcpy(&to[(i * out + o) * kernel], &from[(o * in + i) * kernel], kernel);
    };
    return result;
}

void put_tensors(checkpoint& c, ncnn_graph const& file, int node, ncnn_weights const& w, std::string const& name) {
    ncnn_node const& n = file.nodes[node];
    stored_tensor weight{.type = w.type, .shape = {n.settings.outputs}, .mapped = w.weight};
    if (n.settings.operation != ncnn_operation::prelu) {
        int const kernel = std::max(1, n.settings.kernel);
        weight.shape = {n.settings.outputs, file.nodes[n.operands[0]].channels, kernel, kernel};
        c.tensors[name + ".bias"] = {.type = stored_type::f32, .shape = {n.settings.outputs}, .mapped = w.bias};
    }
    c.tensors[name + ".weight"] = n.settings.operation == ncnn_operation::deconvolution ? transposed(weight) : weight;
}

// Cuts off what shrinks the result and returns by how much.
float take_resize(ncnn_graph& graph) {
    ncnn_node const& last = graph.nodes[graph.output];
    if (last.settings.operation != ncnn_operation::bicubic) return 1;
    graph.output = last.operands[0];
    return last.settings.factor;
}

} // namespace

checkpoint read_ncnn(mapped_file const& param, mapped_file const& bin, std::string const& source) {
    ncnn_graph graph = make_ncnn_graph(read_ncnn_param(param.bytes, source), source);
    float const resize = take_resize(graph);
    auto const network = find_upscaler(graph);
    if (!network) fail("'{}' is of no network that is known here.", source);
    ncnn_graph const expected = graph_of(*network);
    auto const partners = match(graph, expected, name_of(*network), source);
    auto const weights = read_ncnn_weights(graph, bin, source);

    checkpoint c{.source = source, .format = "ncnn", .metadata = nlohmann::json::object()};
    if (resize != 1) c.metadata["ncnn"] = {{"resize", resize}};
    c.files = {param, bin};
    for (std::size_t i = 0; i < partners.size(); ++i)
        if (expected.nodes[i].has_weights())
            put_tensors(c, graph, partners[i], weights[partners[i]], expected.nodes[i].name);
    return c;
}

} // namespace sfumato
