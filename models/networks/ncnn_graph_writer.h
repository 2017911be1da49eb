// How the graphs that ncnn's converters make of our networks are written down. The names of nodes with weights are
// those of the network's tensors, without .weight and .bias. Two things the programs around ncnn do by themselves, and
// so the graphs do not have: they keep results within 0 … 1, and to Real-CUGAN ×4's they add the enlarged picture.
#pragma once

#include "models/files/ncnn/ncnn_graph.h"

namespace sfumato {

inline ncnn_settings with_leaky(ncnn_settings s, float slope) {
    s.activation = ncnn_activation::leaky_relu;
    s.slope = slope;
    return s;
}

inline ncnn_settings const ncnn_same_3x3 = {.kernel = 3, .padding = 1};

/// Writes a network down, node by node; x, a, b: numbers of nodes.
struct ncnn_graph_writer {
    using op = ncnn_operation;

    ncnn_settings convolution = {}; // what all of them share: kernel, padding, activation
    ncnn_graph graph = {};

    int add(ncnn_settings s, std::vector<int> operands, std::string name = "") {
        return graph.add(std::move(s), std::move(operands), std::move(name), "");
    }
    int picture() { return add({.operation = op::picture}, {}); }
    int conv(std::string name, int x, int outputs) { return conv(std::move(name), x, outputs, convolution); }
    int conv(std::string name, int x, int outputs, ncnn_settings s) {
        s.operation = op::convolution;
        s.outputs = outputs;
        return add(std::move(s), {x}, std::move(name));
    }
    int deconv(std::string name, int x, int outputs, ncnn_settings s) {
        s.operation = op::deconvolution;
        s.outputs = outputs;
        return add(std::move(s), {x}, std::move(name));
    }
    int concat(std::vector<int> all) { return add({.operation = op::concat}, std::move(all)); }
    /// weight·a + b
    int sum(int a, float weight, int b) { return add({.operation = op::sum, .weights = {weight, 1}}, {a, b}); }
    int sum(int a, int b) { return sum(a, 1, b); }
    int nearest(int x, int factor) { return add({.operation = op::nearest, .factor = float(factor)}, {x}); }
    int pixel_shuffle(int x, int factor) { return add({.operation = op::pixel_shuffle, .factor = float(factor)}, {x}); }
    int crop(int x, int border) { return add({.operation = op::crop, .factor = float(border)}, {x}); }

    /// The graph, whose result is `output`.
    ncnn_graph finish(int output) {
        graph.output = output;
        return std::move(graph);
    }
};

} // namespace sfumato
