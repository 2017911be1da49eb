#include "models/files/ncnn/ncnn_layers.h"

#include "models/files/ncnn/ncnn_settings_reader.h"

#include <algorithm>

namespace sfumato {

namespace {

// A blob: what a node computes, times a number.
struct scaled_node {
    int node;
    float factor = 1;
};

struct translator {
    std::string const& source;
    ncnn_graph graph = {};
    std::map<std::string_view, scaled_node> blobs = {}; // made, and not taken yet

    std::vector<scaled_node> take_inputs(settings_reader const& s) {
        std::vector<scaled_node> inputs;
        for (auto const blob : s.layer.inputs) {
            auto const found = blobs.extract(blob);
            if (!found)
                fail("'{}' is damaged: {} takes {}, which no layer before it makes for it.", source, s.who(),
                     show_name(blob));
            inputs.push_back(found.mapped());
        }
        return inputs;
    }

    void expect_inputs(settings_reader const& s, std::size_t least, std::size_t most) const {
        auto const count = s.layer.inputs.size();
        if (count < least || count > most) fail("'{}' is damaged: {} takes {} inputs.", source, s.who(), count);
    }

    int add(settings_reader const& s, ncnn_settings settings, std::vector<scaled_node> const& inputs) {
        std::vector<int> operands;
        for (auto const& input : inputs) {
            operands.push_back(input.node);
            if (settings.operation == ncnn_operation::sum)
                settings.weights[operands.size() - 1] *= input.factor;
            else if (input.factor != 1)
                fail("'{}' is of no network that is known here: {} takes something multiplied by {}.", source, s.who(),
                     input.factor);
        }
        return graph.add(std::move(settings), std::move(operands), std::string(s.layer.name), source);
    }

    // ---- Settings of several kinds of layers

    void read_activation(settings_reader& s, ncnn_settings& to) {
        int const kind = s.whole(9, 0);
        auto const values = s.list(10);
        if (kind == 3 || kind > 4) s.refuse(9); // another activation
        to.activation = ncnn_activation(kind);
        bool const leaky = to.activation == ncnn_activation::leaky_relu;
        if (values.size() > 1 || (leaky && values.empty())) s.refuse(10);
        if (leaky) to.slope = float(values[0]);
    }

    void read_kernel(settings_reader& s, ncnn_settings& to) {
        to.outputs = s.whole(0, 0);
        to.kernel = s.alike(1, 0);
        to.stride = s.alike(3, 1);
        to.padding = s.alike(4, 0);
        for (int side : {15, 16}) s.expect(side, to.padding);
        for (int dilation : {2, 12}) s.expect(dilation, 1);
        if (to.kernel < 1 || to.kernel > 64) s.refuse(1);
        if (to.stride < 1) s.refuse(3);
    }

    // ---- Kinds of layers

    int input(settings_reader& s, std::vector<scaled_node> const& inputs) {
        for (int extent : {0, 1}) s.number(extent, 0); // a proposal
        s.expect(2, 3);
        return add(s, {.operation = ncnn_operation::picture}, inputs);
    }

    int convolution(settings_reader& s, std::vector<scaled_node> const& inputs) {
        ncnn_settings c{.operation = s.layer.type == "Convolution" ? ncnn_operation::convolution
                                                                   : ncnn_operation::deconvolution};
        read_kernel(s, c);
        read_activation(s, c);
        s.expect(5, 1);                                                         // with a bias
        int const padded = c.operation == ncnn_operation::convolution ? 8 : 19; // int8; sides added behind
        for (int number : {padded, 18}) s.expect(number, 0);
        return with_weights(s, c, inputs, 6);
    }

    int dense(settings_reader& s, std::vector<scaled_node> const& inputs) {
        ncnn_settings c{.operation = ncnn_operation::dense, .outputs = s.whole(0, 0)};
        read_activation(s, c);
        s.expect(1, 1); // with a bias
        s.expect(8, 0); // int8
        return with_weights(s, c, inputs, 2);
    }

    // The setting that says how many weights there are is only a check.
    int with_weights(settings_reader& s, ncnn_settings const& c, std::vector<scaled_node> const& inputs, int count) {
        int const node = add(s, c, inputs);
        if (s.number(count, 0) != double(graph.nodes[node].weight_count(graph.nodes)))
            fail("'{}' is damaged: {} says {} weights where there must be {}.", source, s.who(), s.number(count, 0),
                 graph.nodes[node].weight_count(graph.nodes));
        return node;
    }

    int prelu(settings_reader& s, std::vector<scaled_node> const& inputs) {
        return add(s, {.operation = ncnn_operation::prelu, .outputs = s.whole(0, 0)}, inputs);
    }

    int pixel_shuffle(settings_reader& s, std::vector<scaled_node> const& inputs) {
        s.expect(1, 0);
        int const factor = s.whole(0, 1);
        if (factor < 1) s.refuse(0);
        return add(s, {.operation = ncnn_operation::pixel_shuffle, .factor = float(factor)}, inputs);
    }

    int interp(settings_reader& s, std::vector<scaled_node> const& inputs) {
        int const kind = s.whole(0, 0);
        auto const factor = float(s.number(1, 1));
        s.expect(2, s.number(1, 1));
        for (int number : {3, 4, 5, 6}) s.expect(number, 0); // a size instead of a factor, …, corners aligned
        bool const enlarges = kind == 1 && factor >= 1 && factor == float(int(std::min(factor, 64.0f)));
        bool const shrinks = kind == 3 && 0.01f < factor && factor <= 1;
        if (!enlarges && !shrinks) s.refuse(kind == 1 || kind == 3 ? 1 : 0);
        return add(s, {.operation = enlarges ? ncnn_operation::nearest : ncnn_operation::bicubic, .factor = factor},
                   inputs);
    }

    int eltwise(settings_reader& s, std::vector<scaled_node> const& inputs) {
        s.require(0, 1); // a sum
        auto weights = s.list(1);
        if (weights.empty()) weights = {1, 1};
        if (weights.size() != 2) s.refuse(1);
        return add(s, {.operation = ncnn_operation::sum, .weights = {float(weights[0]), float(weights[1])}}, inputs);
    }

    int product(settings_reader& s, std::vector<scaled_node> const& inputs) {
        return add(s, {.operation = ncnn_operation::product}, inputs);
    }

    int scale(settings_reader& s, std::vector<scaled_node> const& inputs) {
        s.require(0, -233); // by an input
        s.expect(1, 0);     // without a bias
        return product(s, inputs);
    }

    int concat(settings_reader& s, std::vector<scaled_node> const& inputs) {
        s.expect(0, 0); // of channels
        return add(s, {.operation = ncnn_operation::concat}, inputs);
    }

    int mean(settings_reader& s, std::vector<scaled_node> const& inputs) {
        s.require(0, 1); // the mean, not the largest
        s.require(4, 1); // of all pixels
        return add(s, {.operation = ncnn_operation::mean}, inputs);
    }

    // Either says how many pixels are cut off at each side, or takes a second input to whose size it cuts.
    int crop(settings_reader& s, std::vector<scaled_node> const& inputs) {
        int border = 0;
        if (inputs.size() == 2) {
            border = s.whole(0, 0);
            s.expect(1, border);
            s.expect(2, 0);
            if (graph.nodes[inputs[0].node].size - 2 * border != graph.nodes[inputs[1].node].size) s.refuse(0);
        } else {
            auto const begin = s.list(9), end = s.list(10), axes = s.list(11);
            bool const both_sides =
                begin.size() == 2 && begin[0] == begin[1] && end == std::vector{-begin[0], -begin[0]};
            if (!both_sides || begin[0] < 0 || begin[0] > settings_reader::largest || begin[0] != int(begin[0]))
                refuse_crop(s);
            if (axes != std::vector<double>{-2, -1} && axes != std::vector<double>{1, 2}) refuse_crop(s);
            border = int(begin[0]);
        }
        return add(s, {.operation = ncnn_operation::crop, .factor = float(border)}, {inputs[0]});
    }
    [[noreturn]] void refuse_crop(settings_reader const& s) {
        fail("'{}' is of no network that is known here: {} does not cut off as much at each side.", source, s.who());
    }

    bool is_taken(int node) const {
        return std::ranges::any_of(blobs, [&](auto const& blob) { return blob.second.node == node; }) ||
               std::ranges::any_of(graph.nodes,
                                   [&](auto const& n) { return std::ranges::count(n.operands, node) > 0; });
    }

    // An activation of its own belongs to the convolution before it, if nothing else takes what that makes.
    int activation(settings_reader& s, std::vector<scaled_node> const& inputs) {
        ncnn_settings& before = graph.nodes[inputs[0].node].settings;
        bool const can_have = before.kernel > 0 || before.operation == ncnn_operation::dense;
        if (!can_have || before.activation != ncnn_activation::none || inputs[0].factor != 1 ||
            is_taken(inputs[0].node))
            fail("'{}' is of no network that is known here: {} is behind no convolution.", source, s.who());
        before.slope = s.layer.type == "ReLU" ? float(s.number(0, 0)) : 0;
        before.activation = s.layer.type == "Sigmoid" ? ncnn_activation::sigmoid
                            : before.slope != 0       ? ncnn_activation::leaky_relu
                                                      : ncnn_activation::relu;
        return inputs[0].node;
    }

    // Sums and products, also with a number.
    scaled_node binary(settings_reader& s, std::vector<scaled_node> const& inputs) {
        int const kind = s.whole(0, 0);
        bool const with_number = s.whole(1, 0) != 0;
        auto const number = float(s.number(2, 0));
        if (kind != 0 && kind != 2) s.refuse(0);
        if (with_number && (kind != 2 || inputs.size() != 1)) s.refuse(1);
        if (with_number) return {inputs[0].node, inputs[0].factor * number};
        expect_inputs(s, 2, 2);
        if (kind == 2) return {product(s, inputs)};
        return {add(s, {.operation = ncnn_operation::sum, .weights = {1, 1}}, inputs)};
    }

    using kind = int (translator::*)(settings_reader&, std::vector<scaled_node> const&);
    struct known_kind {
        std::string_view type;
        kind add;
        std::size_t least_inputs, most_inputs;
    };

    void translate(ncnn_layer const& layer);
    void put_outputs(settings_reader const& s, scaled_node node) {
        std::size_t const copies = s.layer.type == "Split" ? s.layer.outputs.size() : 1;
        if (s.layer.outputs.size() != copies || copies == 0)
            fail("'{}' is damaged: {} has {} outputs.", source, s.who(), s.layer.outputs.size());
        for (auto const blob : s.layer.outputs)
            if (!blobs.emplace(blob, node).second)
                fail("'{}' is damaged: {} makes {}, which is there already.", source, s.who(), show_name(blob));
    }
};

constexpr translator::known_kind known_kinds[] = {
    {"Input", &translator::input, 0, 0},
    {"Convolution", &translator::convolution, 1, 1},
    {"Deconvolution", &translator::convolution, 1, 1},
    {"InnerProduct", &translator::dense, 1, 1},
    {"PReLU", &translator::prelu, 1, 1},
    {"ReLU", &translator::activation, 1, 1},
    {"Sigmoid", &translator::activation, 1, 1},
    {"PixelShuffle", &translator::pixel_shuffle, 1, 1},
    {"Interp", &translator::interp, 1, 1},
    {"Eltwise", &translator::eltwise, 2, 2},
    {"Scale", &translator::scale, 2, 2},
    {"Concat", &translator::concat, 1, 16},
    {"Pooling", &translator::mean, 1, 1},
    {"Crop", &translator::crop, 1, 2},
};

void translator::translate(ncnn_layer const& layer) {
    settings_reader s{layer, source};
    auto const inputs = take_inputs(s);
    if (layer.type == "Split") {
        expect_inputs(s, 1, 1);
        put_outputs(s, inputs[0]);
    } else if (layer.type == "BinaryOp") {
        expect_inputs(s, 1, 2);
        put_outputs(s, binary(s, inputs));
    } else {
        auto const known = std::ranges::find(known_kinds, layer.type, &known_kind::type);
        if (known == std::end(known_kinds))
            fail("'{}' is of no network that is known here: {} is of a kind that none has.", source, s.who());
        expect_inputs(s, known->least_inputs, known->most_inputs);
        put_outputs(s, {(this->*known->add)(s, inputs)});
    }
    s.finish();
}

} // namespace

ncnn_graph make_ncnn_graph(std::vector<ncnn_layer> const& layers, std::string const& source) {
    translator all{source};
    for (auto const& layer : layers) all.translate(layer);
    std::size_t const pictures = std::ranges::count(all.graph.nodes, ncnn_operation::picture,
                                                    [](ncnn_node const& n) { return n.settings.operation; });
    if (pictures != 1 || all.blobs.size() != 1 || all.blobs.begin()->second.factor != 1)
        fail("'{}' is of no network that is known here: it has {} inputs and {} outputs.", source, pictures,
             all.blobs.size());
    all.graph.output = all.blobs.begin()->second.node;
    return std::move(all.graph);
}

} // namespace sfumato
